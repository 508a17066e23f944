// What a scripted provider does wrong, and how often it was called: the same for speech to text, models and voices.
import { setTimeout as sleep } from 'node:timers/promises';
import { APIConnectionError, APIStatusError, APITimeoutError } from '@livekit/agents';

export type Fault =
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'hang' }
  /** After these words it breaks, falls silent for good, or ends as if the reply were complete. */
  | { readonly kind: 'break' | 'silence' | 'end'; readonly afterWords: number };

/** Usual time to connect to a vendor on the same continent. */
const CONNECT_MS = 30;

/** One provider of any stage; its fault outlasts the first attempt, as an outage does. */
export class ScriptedProvider {
  readonly id: string;
  readonly #fault: Fault | undefined;
  attempts = 0;
  /** When it first failed, by performance.now(). */
  failedAtMs: number | undefined;
  /** How many words it had given by then. */
  failedAfterWords = 0;

  constructor(id: string, fault?: Fault) {
    this.id = id;
    this.#fault = fault;
  }

  /** Rejects as LiveKit's plugins do, within the time that the caller allows. */
  async connect(timeoutMs: number, signal: AbortSignal): Promise<void> {
    this.attempts += 1;
    const fault = this.#fault;
    if (fault?.kind === 'hang') {
      await sleep(timeoutMs, undefined, { signal });
      throw new APITimeoutError({ message: `${this.id} did not answer` });
    }
    await sleep(CONNECT_MS, undefined, { signal });
    if (fault?.kind === 'refused') {
      throw new APIStatusError({ message: `${this.id} refused`, options: { statusCode: fault.status } });
    }
    if (fault?.kind === 'break' && this.failedAtMs !== undefined) throw this.#broken();
  }

  /**
   * What happens after this many words.
   * @throws APIConnectionError when it breaks there
   */
  after(words: number): 'goes on' | 'is silent' | 'ends' {
    const fault = this.#fault;
    if (!fault || !('afterWords' in fault)) return 'goes on';
    const wasSilenced = fault.kind === 'silence' && this.failedAtMs !== undefined;
    if (words < fault.afterWords && !wasSilenced) return 'goes on';
    if (this.failedAtMs === undefined) this.failedAfterWords = words;
    this.failedAtMs ??= performance.now();
    if (fault.kind === 'break') throw this.#broken();
    return fault.kind === 'silence' ? 'is silent' : 'ends';
  }

  #broken(): APIConnectionError {
    return new APIConnectionError({ message: `${this.id} lost its connection` });
  }
}

/** Ends quietly if the caller aborted; rethrows other errors, which are the provider's. */
export async function untilAborted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Settles only when the caller aborts. */
export async function silence(signal: AbortSignal): Promise<never> {
  for (;;) await sleep(60_000, undefined, { signal, ref: false });
}

/** Counts the words of `due` that never came, and those that came more than once. */
export function countWords(due: readonly string[], came: readonly string[]): { lost: number; twice: number } {
  const times = due.map((word) => came.filter((other) => other === word).length);
  return { lost: times.filter((count) => count === 0).length, twice: times.filter((count) => count > 1).length };
}

/** The result of one call of a stage; times are milliseconds since its start. */
export interface Outcome {
  readonly lost: number;
  readonly twice: number;
  /** Words cut in half; only for voices. */
  readonly clipped?: number;
  readonly firstMs?: number | undefined;
  /** Time from the provider's failure to the next result; for a voice, the longest pause in the playout of its reply. */
  readonly gapMs?: number | undefined;
  /** Whether nothing more came although the stream did not end. */
  readonly isSilent: boolean;
}
