// The sound of one context, put behind the words that it speaks, on the clock of the session.
import { type TimedWord, WordAligner } from '../../../text/align-words.ts';
import type { TtsPart } from '../../contract.ts';

/** Most sound held back for words that come after it, or whose place in the text is not yet clear. */
const HOLD_MS = 600;
/** Held sound is let go this long before the caller would hear silence: words that come after it are told late. */
const AHEAD_MS = 50;
/** Tolerance for the end of the last word: vendors' times are rough, and some vendors cut the silence after it. */
const END_SLACK_MS = 100;
/** A word that begins this much before the last one is timed on another clock. */
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
  /** Zero of the vendor's clock, since the context's first sample. */
  #clockMs = 0;
  #lastStartMs = 0;
  /** Time up to which words are known. */
  #knownMs = 0;
  #lastEndMs = 0;
  /** When the released sound will have been played. */
  #goneAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param fromMs when its first sample is due on the session's clock */
  constructor(sampleRateHz: number, fromMs: number, put: (part: TtsPart) => void) {
    this.#rateHz = sampleRateHz;
    this.#fromMs = fromMs;
    this.#put = put;
  }

  get durationMs(): number {
    return this.#ms(this.#releasedSamples + this.#heldSamples);
  }

  /** Whether some text is not spoken yet, as far as is known. */
  get isPending(): boolean {
    return this.#aligner.missing > 0 || this.#lastEndMs > this.durationMs + END_SLACK_MS;
  }

  /** Whether, by the word times, the sound holds all written text to the end of the last word. */
  get isSpoken(): boolean {
    return this.#lastEndMs > 0 && this.#aligner.missing === 0 && this.#lastEndMs <= this.durationMs;
  }

  write({ written, lead }: { readonly written: string; readonly lead: string }): void {
    this.#aligner.write(written, lead);
  }

  /** Times in milliseconds since the context's first sample, or since the start of the piece that the vendor generated last. */
  hear(words: readonly TimedWord[]): void {
    for (const word of words) {
      // Times that go back are relative to the piece that was generated last.
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

  /** Call when no more comes: releases held sound. Text that is pending then was cut off. */
  finish(): void {
    this.#found(this.#aligner.finish(this.durationMs));
    this.release();
  }

  /** Releases all held sound, each piece after its words. */
  release(): void {
    clearTimeout(this.#timer);
    while (this.#held.length > 0) this.#releaseFirst();
  }

  #found(words: readonly TimedWord[]): void {
    this.#words.push(...words);
    const last = words.at(-1);
    if (last) this.#lastEndMs = Math.max(this.#lastEndMs, last.endMs);
  }

  /** Drops all held sound. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #play(): void {
    clearTimeout(this.#timer);
    const knownMs = Math.min(this.#knownMs, this.#aligner.unknownSinceMs ?? Number.POSITIVE_INFINITY);
    while (this.#held.length > 0) {
      const endMs = this.#ms(this.#releasedSamples + (this.#held[0] as Int16Array).length);
      if (endMs > knownMs && this.#ms(this.#heldSamples) <= HOLD_MS && this.#mayHold()) return;
      this.#releaseFirst();
    }
  }

  /** Whether the caller has enough to hear while this sound is held; it is looked at again when that ends. */
  #mayHold(): boolean {
    if (this.#goneAtMs === undefined) return true;
    const leftMs = this.#goneAtMs - AHEAD_MS - performance.now();
    if (leftMs > 0) this.#timer = setTimeout(() => this.#play(), leftMs).unref();
    return leftMs > 0;
  }

  #releaseFirst(): void {
    const samples = this.#held.shift() as Int16Array;
    this.#heldSamples -= samples.length;
    this.#releasedSamples += samples.length;
    const nowMs = performance.now();
    this.#goneAtMs = Math.max(nowMs, this.#goneAtMs ?? nowMs) + this.#ms(samples.length);
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
