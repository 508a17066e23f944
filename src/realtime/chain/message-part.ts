// What one session gives of a spoken message: its last moment is held back, so that a break can be cut in a pause.
import { fadeIn, fadeOut } from '../../audio/fade.ts';
import { joinSamples } from '../../audio/join-samples.ts';
import { lastPause } from '../../audio/pauses.ts';
import { ContinuationJoin } from '../../text/continuation.ts';
import { type SpeakingPace, SpokenWords } from './spoken-words.ts';

export const REPLY_RATE_HZ = 24_000;
/** Audio that is held back: longer than a word without a pause beside it. */
const TAIL_MS = 320;
const PAUSE_MS = 25;
const FADE_MS = 8;
/** A word placed this shortly before a pause is the one after it: vendors give words only by pieces of audio. */
const WORD_MS = 100;
/** Words may come this long after their audio, and be placed as late. */
const LATE_TEXT_MS = 300;
/** Audio of a continuing session after which it is clear that the session repeats nothing more. */
const JOIN_MS = 1_200;
/** Inaudible audio of this length is more than a pause. */
export const SILENCE_MS = 1_000;
/** Least audible level: -60 dBFS, as root mean square of PCM16. */
const LEAST_LEVEL = 32_767 / 1_000;

export interface MessagePartOutput {
  audio(samples: Int16Array): void;
  text(text: string): void;
}

export class MessagePart {
  readonly #output: MessagePartOutput;
  readonly #words: SpokenWords;
  readonly #join: ContinuationJoin | undefined;
  /** Whether words that repeat what was said have been skipped with their audio. */
  #isJoined: boolean;
  #hasText = false;
  #tail: Int16Array[] = [];
  #tailSamples = 0;
  #received = 0;
  #released = 0;
  /** End of the last audible audio, in samples. */
  #audible = 0;

  /** @param said what the message held before: this session is to go on from there */
  constructor(output: MessagePartOutput, pace: SpeakingPace, said: string) {
    this.#output = output;
    this.#words = new SpokenWords(pace);
    this.#join = said === '' ? undefined : new ContinuationJoin(said);
    this.#isJoined = !this.#join;
  }

  /** Audio that was handed on, in milliseconds. */
  get releasedMs(): number {
    return toMs(this.#released);
  }

  get hasResult(): boolean {
    return this.#received > 0 || this.#hasText;
  }

  /** Whether the audio went quiet while words were due: those are not said. A single one may only be placed wrongly. */
  get isCutShort(): boolean {
    return toMs(this.#received - this.#audible) >= SILENCE_MS && this.#words.left > 1;
  }

  /** Takes mono PCM16 at REPLY_RATE_HZ and keeps the array. */
  audio(samples: Int16Array, isHeard = isAudible(samples)): void {
    this.#received += samples.length;
    if (isHeard) this.#audible = this.#received;
    this.#words.heard(toMs(samples.length));
    this.#tail.push(samples);
    this.#tailSamples += samples.length;
    if (!this.#isJoined) this.#tryJoin(toMs(this.#received) >= this.#words.takenEndMs + JOIN_MS);
    if (this.#isJoined) this.#release(TAIL_MS);
  }

  words(text: string): void {
    this.#hasText ||= text !== '';
    this.#words.add(text, toMs(this.#received));
    if (!this.#isJoined) this.#tryJoin(false);
  }

  /** Call when the part ended as it should. */
  end(): void {
    this.#words.end();
    if (!this.#isJoined) this.#tryJoin(true);
    this.#release(0);
    this.#output.text(this.#words.take(Number.POSITIVE_INFINITY));
    if (!this.#join) this.#words.learn(toMs(this.#received));
  }

  /** Call when the part's end is inaudible: the words that were due in it are left for the session that continues. */
  cut(): void {
    this.#output.text(this.#words.take(toMs(this.#audible) - WORD_MS));
    this.#tail = [];
    this.#tailSamples = 0;
  }

  /** Call when the part broke: hands on the held audio up to its last pause; the session that continues gives the rest. */
  break(): void {
    if (!this.#isJoined) return;
    this.#words.end();
    const tail = joinSamples(this.#tail);
    this.#tail = [];
    this.#tailSamples = 0;
    // Audio whose words did not come is said again by the session that continues.
    const to = Math.min(tail.length, toSamples(this.#words.endMs + WORD_MS) - this.#released);
    const pause = lastPause(tail, { sampleRateHz: REPLY_RATE_HZ, leastMs: PAUSE_MS, from: 0, to });
    if (pause && pause.start > 0) {
      const end = Math.min(tail.length, pause.start + toSamples(PAUSE_MS));
      this.#output.audio(fadeOut(tail.slice(0, end), toSamples(FADE_MS)));
      this.#output.text(this.#words.take(toMs(this.#released + pause.start) - WORD_MS));
      this.#released += end;
      return;
    }
    // It broke in the middle of a word: the session that continues says the word again from its beginning.
    const start = this.#words.startBefore(toMs(this.#received)) ?? 0;
    this.#output.text(this.#words.take(start));
    const kept = Math.max(0, Math.min(tail.length, toSamples(start) - this.#released));
    if (kept > 0) this.#output.audio(fadeOut(tail.slice(0, kept), toSamples(FADE_MS)));
    this.#released += kept;
  }

  #release(heldMs: number): void {
    const held = toSamples(heldMs);
    while (this.#tail[0] && this.#tailSamples - this.#tail[0].length >= held) {
      const samples = this.#tail.shift() as Int16Array;
      this.#tailSamples -= samples.length;
      this.#released += samples.length;
      this.#output.audio(samples);
    }
    const text = this.#words.take(Math.min(this.releasedMs, toMs(this.#audible)) - WORD_MS);
    if (text) this.#output.text(text);
  }

  /** Finds out which of the first words were said before, and drops them with their audio. */
  #tryJoin(isForced: boolean): void {
    const join = this.#join as ContinuationJoin;
    for (let next = this.#words.nextStartMs; next !== undefined; next = this.#words.nextStartMs) {
      const fed = this.#words.take(next + 0.001);
      const fresh = join.push(fed);
      // The blank behind a word that was said before brings no audio of its own.
      if (fresh.trim() === '') {
        if (fresh) this.#output.text(fresh);
        continue;
      }
      this.#joinAt(next, fresh, fed);
      return;
    }
    if (!isForced) return;
    this.#isJoined = true;
    const rest = join.end();
    if (rest) this.#output.text(rest);
    else if (this.#words.takenEndMs > 0) this.#dropUntil(this.#words.takenEndMs);
  }

  #joinAt(startMs: number, fresh: string, fed: string): void {
    this.#isJoined = true;
    this.#output.text(fresh);
    // Several words may have been held until the last one made clear that none of them repeats anything.
    if (fresh.trim().length <= fed.trim().length) this.#dropUntil(startMs);
  }

  /** Drops the held audio up to the pause beside this position, or up to the position itself. */
  #dropUntil(startMs: number): void {
    const tail = joinSamples(this.#tail);
    const atMs = Math.min(startMs, Math.max(startMs - LATE_TEXT_MS, this.#words.pacedEndMs(startMs)));
    const from = Math.min(tail.length, toSamples(atMs));
    const pause = lastPause(tail, {
      sampleRateHz: REPLY_RATE_HZ,
      leastMs: PAUSE_MS,
      from: Math.max(0, from - toSamples(WORD_MS)),
      to: Math.min(tail.length, toSamples(Math.max(startMs, atMs + WORD_MS))),
    });
    const kept = tail.slice(pause?.end ?? from);
    this.#released += tail.length - kept.length;
    this.#tail = [fadeIn(kept, toSamples(FADE_MS))];
    this.#tailSamples = kept.length;
  }
}

export function isAudible(samples: Int16Array): boolean {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum >= samples.length * LEAST_LEVEL ** 2 && samples.length > 0;
}

function toMs(samples: number): number {
  return (samples * 1000) / REPLY_RATE_HZ;
}

function toSamples(ms: number): number {
  return Math.max(0, Math.round((REPLY_RATE_HZ * ms) / 1000));
}
