// The sound of one context, put behind the words that it speaks, on the clock of the session.
import { type TimedWord, WordAligner } from '../../../text/align-words.ts';
import type { TtsPart } from '../../contract.ts';

/** So much sound waits for words that are told after it, or whose place in the text is not yet clear. */
const HOLD_MS = 600;
/** Vendors' ends of words are rough, and some cut the silence of the last one. */
const END_SLACK_MS = 100;
/** A word that begins so much before the last one is on another clock. */
const BACKWARDS_MS = 50;

export class ContextAudio {
  readonly #rateHz: number;
  readonly #fromMs: number;
  readonly #put: (part: TtsPart) => void;
  readonly #aligner = new WordAligner();
  readonly #held: Int16Array[] = [];
  #words: TimedWord[] = [];
  #heldSamples = 0;
  #releasedSamples = 0;
  /** The vendor's zero, on the context's clock. */
  #clockMs = 0;
  #lastStartMs = 0;
  /** Words are known up to here. */
  #knownMs = 0;
  #lastEndMs = 0;

  /** @param fromMs when its first sample is due on the session's clock */
  constructor(sampleRateHz: number, fromMs: number, put: (part: TtsPart) => void) {
    this.#rateHz = sampleRateHz;
    this.#fromMs = fromMs;
    this.#put = put;
  }

  get durationMs(): number {
    return this.#ms(this.#releasedSamples + this.#heldSamples);
  }

  /** Whether something is still to be said, as far as is known. */
  get isPending(): boolean {
    return this.#aligner.missing > 0 || this.#lastEndMs > this.durationMs + END_SLACK_MS;
  }

  /** Whether all that was written is in the sound by its times, to the end of the last word. */
  get isSpoken(): boolean {
    return this.#lastEndMs > 0 && this.#aligner.missing === 0 && this.#lastEndMs <= this.durationMs;
  }

  write({ written, lead }: { readonly written: string; readonly lead: string }): void {
    this.#aligner.write(written, lead);
  }

  /** In milliseconds on the vendor's clock: since the context's first sample, or since what it generated last. */
  hear(words: readonly TimedWord[]): void {
    for (const word of words) {
      // Times relative to what was generated last, told apart by going back.
      if (this.#clockMs + word.startMs < this.#lastStartMs - BACKWARDS_MS) this.#clockMs = this.durationMs;
      const startMs = this.#clockMs + word.startMs;
      const endMs = Math.max(startMs, this.#clockMs + word.endMs);
      this.#lastStartMs = startMs;
      this.#knownMs = Math.max(this.#knownMs, endMs);
      this.#found(this.#aligner.hear({ text: word.text, startMs, endMs }));
    }
    this.#play();
  }

  push(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#held.push(samples);
    this.#heldSamples += samples.length;
    this.#play();
  }

  /** No more comes: what is held is released. What is pending now was cut off. */
  finish(): void {
    this.#found(this.#aligner.finish(this.durationMs));
    this.release();
  }

  /** All sound that is there, behind its words. */
  release(): void {
    while (this.#held.length > 0) this.#releaseFirst();
  }

  #found(words: readonly TimedWord[]): void {
    this.#words.push(...words);
    const last = words.at(-1);
    if (last) this.#lastEndMs = Math.max(this.#lastEndMs, last.endMs);
  }

  #play(): void {
    const knownMs = Math.min(this.#knownMs, this.#aligner.unknownSinceMs ?? Number.POSITIVE_INFINITY);
    while (this.#held.length > 0) {
      const endMs = this.#ms(this.#releasedSamples + (this.#held[0] as Int16Array).length);
      if (endMs > knownMs && this.#ms(this.#heldSamples) <= HOLD_MS) return;
      this.#releaseFirst();
    }
  }

  #releaseFirst(): void {
    const samples = this.#held.shift() as Int16Array;
    this.#heldSamples -= samples.length;
    this.#releasedSamples += samples.length;
    const endMs = this.#ms(this.#releasedSamples);
    const next = this.#words.findIndex(({ startMs }) => startMs >= endMs);
    for (const word of this.#words.splice(0, next === -1 ? this.#words.length : next)) this.#putWord(word);
    this.#put({ type: 'audio', samples });
  }

  #putWord({ text, startMs, endMs }: TimedWord): void {
    this.#put({ type: 'word', text, startMs: this.#fromMs + startMs, endMs: this.#fromMs + endMs });
  }

  #ms(samples: number): number {
    return (samples * 1000) / this.#rateHz;
  }
}
