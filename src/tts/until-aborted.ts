// Parts of a reply until nobody wants it any more.
import type { TtsPart } from './contract.ts';

/** Stops at the abort: parts that were made ahead are not delivered after it. */
export async function* untilAborted(parts: AsyncIterable<TtsPart>, signal: AbortSignal): AsyncGenerator<TtsPart> {
  for await (const part of parts) {
    if (signal.aborted) return;
    yield part;
  }
}
