// What "go on" means for speech to text: the caller's audio always has a provider that listens.
import { setTimeout as sleep } from 'node:timers/promises';
import { AsyncQueue } from '../audio/async-queue.ts';
import type { SpeechExpectation } from '../config/expectation.ts';
import type { SttClient, SttOpenOptions, SttPart, SttSession, SttTraits } from './contract.ts';

export interface SttLink {
  readonly id: string;
  /** What people call it; the id where absent. */
  readonly title?: string;
  readonly traits: SttTraits;
  readonly client: SttClient;
}

export interface SttChainEvents {
  /** A session of the link failed; it is opened again. */
  onError?(link: SttLink, error: unknown): void;
}

/** Between attempts after failures in a row; the last one repeats. */
const REOPEN_AFTER_MS = [0, 1_000, 2_000, 4_000, 8_000, 16_000];

/**
 * One stream of caller audio over the chain's link. A session that fails is opened again, so the stream never ends
 * before `end()`.
 * @throws RangeError when `links` is empty
 */
export function openSttChain(
  links: readonly SttLink[],
  options: SttOpenOptions,
  events: SttChainEvents = {},
): SttSession {
  const link = links[0];
  if (!link) throw new RangeError('a chain needs at least one link');
  return new ChainedSttSession(link, options, events);
}

class ChainedSttSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #link: SttLink;
  readonly #options: SttOpenOptions;
  readonly #events: SttChainEvents;
  #session: SttSession;
  #expectation: SpeechExpectation | undefined;
  #writtenSamples = 0;
  #ended = false;

  constructor(link: SttLink, options: SttOpenOptions, events: SttChainEvents) {
    this.#link = link;
    this.#options = options;
    this.#events = events;
    this.#session = link.client.open(options);
    void this.#run();
  }

  write(samples: Int16Array): void {
    this.#writtenSamples += samples.length;
    this.#session.write(samples);
  }

  speech(active: boolean): void {
    this.#session.speech?.(active);
  }

  expect(expectation: SpeechExpectation): void {
    this.#expectation = expectation;
    this.#session.expect?.(expectation);
  }

  flush(): void {
    this.#session.flush();
  }

  end(): void {
    this.#ended = true;
    this.#session.end();
  }

  async #run(): Promise<void> {
    let failuresInRow = 0;
    let offsetMs = 0;
    for (;;) {
      try {
        for await (const part of this.#session.parts) {
          failuresInRow = 0;
          this.parts.push(shift(part, offsetMs));
        }
        if (this.#ended || this.#options.signal.aborted) break;
        throw new Error('the provider ended the session');
      } catch (error) {
        if (this.#ended || this.#options.signal.aborted) break;
        this.#events.onError?.(this.#link, error);
        const delayMs = REOPEN_AFTER_MS[Math.min(failuresInRow, REOPEN_AFTER_MS.length - 1)] as number;
        failuresInRow += 1;
        await sleep(delayMs, undefined, { signal: this.#options.signal }).catch(() => undefined);
        if (this.#options.signal.aborted) break;
        offsetMs = (this.#writtenSamples * 1000) / this.#link.traits.sampleRateHz;
        this.#session = this.#link.client.open(this.#options);
        if (this.#expectation) this.#session.expect?.(this.#expectation);
        if (this.#ended) this.#session.end();
      }
    }
    this.parts.end();
  }
}

/** Keeps times on the stream's clock: a new session counts from its own first sample. */
function shift(part: SttPart, offsetMs: number): SttPart {
  if (offsetMs === 0) return part;
  if ('atMs' in part) return { ...part, atMs: part.atMs + offsetMs };
  return {
    ...part,
    startMs: part.startMs + offsetMs,
    endMs: part.endMs + offsetMs,
    words: part.words.map((word) => ({ ...word, startMs: word.startMs + offsetMs, endMs: word.endMs + offsetMs })),
  };
}
