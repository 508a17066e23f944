// Hands out the sound of a reply, keeps the last of it back while it may have to be cut, and knows when the caller runs dry.
import type { AsyncQueue } from '../../audio/async-queue.ts';
import { fadeIn, fadeOut } from '../../audio/fade.ts';
import { joinSamples } from '../../audio/join-samples.ts';
import { firstPause, lastPause, type Pause } from '../../audio/pauses.ts';
import { levelDbfs } from '../../audio/voiced-spans.ts';
import type { Clock } from '../../failover/clock.ts';
import type { TtsPart } from '../contract.ts';

/** Length of sound held back while a stream is unfinished. */
const HOLD_MS = 200;
/** Limit for the held sound together with the whole word in which it begins. */
const MOST_HELD_MS = 700;
/** Quiet of this length is a gap between words, not part of one. */
const GAP_MS = 25;
/**
 * Playout without a gap matters more than a clean cut, because nearly every reply ends well: with less than this left to play,
 * held sound is handed out in steps. A stall of a voice that was ahead is noticed before that.
 */
const LOW_MS = 60;
const STEP_MS = 20;
/** A voice that was silent for this long may have ended: a held part of a word then waits for the rest of the word. */
const LATE_MS = 120;
const FADE_MS = 15;
const END_MS = 5;
const LOUD_DBFS = -45;

/** `to` is the word's end index in the reply's text. */
export interface PlacedWord {
  readonly text: string;
  readonly to: number;
  readonly startMs: number;
  readonly endMs: number;
}

export class Playout {
  readonly #queue: AsyncQueue<TtsPart>;
  readonly #rateHz: number;
  readonly #clock: Clock;
  #tail: Int16Array = new Int16Array(0);
  #words: PlacedWord[] = [];
  #handedSamples = 0;
  #handedLoud = false;
  /** Clock time at which all handed-out sound has been played. */
  #playedAtMs = Number.NEGATIVE_INFINITY;
  #pushedAtMs = 0;
  /** Whether the last sound came after a silence of at least LATE_MS. */
  #wasLate = false;
  #cancelLow: (() => void) | undefined;
  /** Samples of the next voice that are still to be faded in. */
  #fading = 0;
  #toldTo = 0;
  #wordsTold = 0;

  constructor(queue: AsyncQueue<TtsPart>, sampleRateHz: number, clock: Clock) {
    this.#queue = queue;
    this.#rateHz = sampleRateHz;
    this.#clock = clock;
  }

  get handedMs(): number {
    return this.#ms(this.#handedSamples);
  }

  /** Length of the sound handed out and held. */
  get receivedMs(): number {
    return this.#ms(this.#handedSamples + this.#tail.length);
  }

  /** Clock time at which all sound, including the held part, has been played. */
  get goneAtMs(): number {
    return this.#playedAtMs + this.#ms(this.#tail.length);
  }

  get wordsTold(): number {
    return this.#wordsTold;
  }

  push(samples: Int16Array): void {
    const fade = this.#samples(FADE_MS);
    const faded = this.#fading > 0 ? fadeIn(samples, fade, fade - this.#fading) : samples;
    this.#fading = Math.max(0, this.#fading - samples.length);
    this.#tail = joinSamples([this.#tail, faded]);
    const nowMs = this.#clock.now();
    this.#wasLate = nowMs - this.#pushedAtMs >= LATE_MS && this.#handedSamples > 0;
    this.#pushedAtMs = nowMs;
    const free = Math.max(0, this.#tail.length - this.#samples(HOLD_MS));
    this.#settle(this.#tail.length > this.#samples(MOST_HELD_MS) ? free : this.#whole(free));
  }

  /** Adds a word, which is emitted when its sound is handed out, and only once even if it is spoken again. */
  word(word: PlacedWord): void {
    this.#words.push(word);
  }

  /** Hands out all that is held, because what was spoken is complete. */
  release(): void {
    this.#hand(this.#tail.length);
    this.#tellWords(Number.POSITIVE_INFINITY);
  }

  /** Ends the current voice at `atMs`, but not before the end of the handed-out sound. Words that end after `textTo` are dropped. */
  cut(atMs: number, textTo: number): void {
    const fade = this.#samples(FADE_MS);
    let end = this.#inTail(atMs);
    // The handed-out sound stops in mid-sound: a little of the held sound follows it, faded out.
    if (end === 0 && this.isTorn) end = Math.min(fade, this.#tail.length);
    this.#tail = fadeOut(this.#tail.subarray(0, end), Math.min(fade, end));
    this.#words = this.#words.filter(({ to: wordTo }) => wordTo <= textTo);
    this.release();
    if (this.#handedSamples > 0) this.#fading = fade;
  }

  /** End of the first or last pause between two times within the held sound. */
  pauseEnd(which: 'first' | 'last', fromMs: number, toMs: number, leastMs: number): number | undefined {
    const [from, to] = [this.#inTail(fromMs), this.#inTail(toMs)];
    const find = which === 'first' ? firstPause : lastPause;
    const pause = find(this.#tail, { sampleRateHz: this.#rateHz, leastMs, from, to });
    return pause && this.#ms(this.#handedSamples + pause.end);
  }

  /** Whether the handed-out part ends in the middle of a sound that continues in the held part. */
  get isTorn(): boolean {
    const fade = Math.min(this.#tail.length, this.#samples(FADE_MS));
    return this.#handedLoud && fade > 0 && levelDbfs(this.#tail, 0, fade) > LOUD_DBFS;
  }

  /** Whether the voice sounds at the end of what was received. */
  get endsLoud(): boolean {
    return this.#tail.length === 0 ? this.#handedLoud : this.#isLoudBefore(this.#tail.length);
  }

  close(): void {
    this.#cancelLow?.();
    this.#cancelLow = undefined;
  }

  /** Samples that may be handed out of the first `free` ones: up to the last gap between words, as a voice may break off any time. */
  #whole(free: number): number {
    const word = this.#words.findLast(({ startMs }) => this.#samples(startMs) <= this.#handedSamples + free);
    const options = { sampleRateHz: this.#rateHz, from: 0, to: free };
    const pause = lastPause(this.#tail, { ...options, leastMs: GAP_MS }) ?? this.#restOfPause(options);
    return Math.max(word ? this.#inTail(word.startMs) : 0, pause?.end ?? 0);
  }

  /** Samples of the whole words in the tail; if a word was handed out in part, all that came of that word. */
  #wordsOfTail(): number {
    if (!this.isTorn) return this.#whole(this.#tail.length);
    const options = { sampleRateHz: this.#rateHz, leastMs: GAP_MS, from: 0, to: this.#tail.length };
    return firstPause(this.#tail, options)?.end ?? this.#tail.length;
  }

  /** The rest of a pause that was handed out in part. */
  #restOfPause(options: { sampleRateHz: number; from: number; to: number }): Pause | undefined {
    const pause = this.#handedLoud ? undefined : firstPause(this.#tail, { ...options, leastMs: 0 });
    return pause?.start === 0 ? pause : undefined;
  }

  #inTail(ms: number): number {
    return Math.min(this.#tail.length, Math.max(0, this.#samples(ms) - this.#handedSamples));
  }

  /** Hands out what need not be held, and as much more as the caller needs to hear sound without a gap. */
  #settle(free: number): void {
    const leftMs = Math.max(0, this.#playedAtMs - this.#clock.now()) + this.#ms(free);
    const missing = leftMs <= LOW_MS ? this.#samples(Math.max(STEP_MS, LOW_MS - leftMs)) : 0;
    const isLate = this.#wasLate || this.#clock.now() - this.#pushedAtMs >= LATE_MS;
    const most = isLate ? this.#wordsOfTail() : this.#tail.length;
    this.#hand(Math.min(most, free + missing));
    this.#cancelLow?.();
    this.#cancelLow = undefined;
    if (this.#tail.length === 0 || (isLate && most === 0)) return;
    const waitMs = this.#playedAtMs - LOW_MS - this.#clock.now();
    this.#cancelLow = this.#clock.setTimeout(() => this.#settle(0), Math.max(1, waitMs));
  }

  #hand(count: number): void {
    if (count === 0) return;
    this.#tellWords(this.#ms(this.#handedSamples + count));
    this.#queue.push({ type: 'audio', samples: this.#tail.slice(0, count) });
    this.#handedLoud = this.#isLoudBefore(count);
    this.#tail = this.#tail.slice(count);
    this.#handedSamples += count;
    this.#playedAtMs = Math.max(this.#playedAtMs, this.#clock.now()) + this.#ms(count);
    if (this.#tail.length === 0) this.close();
  }

  /** Whether the voice sounds right before this sample of the tail. */
  #isLoudBefore(end: number): boolean {
    return levelDbfs(this.#tail, Math.max(0, end - this.#samples(END_MS)), end) > LOUD_DBFS;
  }

  #tellWords(beforeMs: number): void {
    while ((this.#words[0]?.startMs ?? Number.POSITIVE_INFINITY) < beforeMs) {
      const { text, to, startMs, endMs } = this.#words.shift() as PlacedWord;
      if (to <= this.#toldTo) continue;
      this.#toldTo = to;
      this.#wordsTold += 1;
      this.#queue.push({ type: 'word', text, startMs, endMs });
    }
  }

  #ms(samples: number): number {
    return (samples * 1000) / this.#rateHz;
  }

  #samples(ms: number): number {
    return Math.round((ms * this.#rateHz) / 1000);
  }
}
