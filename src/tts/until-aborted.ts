// Parts of a reply until nobody wants it any more.
import type { TtsPart } from './contract.ts';

/** What was made ahead is not handed out once nobody wants it. */
export async function* untilAborted(parts: AsyncIterable<TtsPart>, signal: AbortSignal): AsyncGenerator<TtsPart> {
  for await (const part of parts) {
    if (signal.aborted) return;
    yield part;
  }
}
