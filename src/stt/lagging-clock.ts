// Puts the times of a link whose clock falls behind the audio back on the stream's clock, by the sound that was heard.
import type { HeardAudio } from './heard-audio.ts';
import { hasTimes, type SttWords, shift } from './words.ts';

/** Audio is left out of quiet that is longer; the pauses between words are shorter. */
const LEFT_OUT_MS = 300;
/** Two recognisers place the same word so far apart. */
const SLACK_MS = 250;
const FIRST_WORD_MS = 300;
/** Of what is a word, at least so much is sound: vendors stretch words over the gaps between them. */
const FIRST_SHARE = 0.3;
const LEAST_SHARE = 0.4;

/**
 * A plugin may leave quiet out of what it sends (LiveKit's AudioEnergyFilter does after a second of it), and its vendor counts
 * what it got. So a segment is looked for where its first word begins with a sound, no earlier than the last final's end and
 * the lag that is known.
 */
export class LaggingClock {
  readonly #heard: HeardAudio;
  #lagMs = 0;
  /** Where its last final ended, on the stream's clock. */
  #finalMs: number;

  constructor(heard: HeardAudio, fromMs: number) {
    this.#heard = heard;
    this.#finalMs = fromMs;
  }

  /** Times that fit no sound become none. */
  place(words: SttWords): SttWords {
    if (!hasTimes(words)) return words;
    const lagMs = this.#lagOf(words);
    const placed =
      lagMs === undefined ? { ...words, startMs: 0, endMs: 0, words: [] } : (shift(words, lagMs) as SttWords);
    if (words.type === 'final' && words.text !== '') {
      this.#lagMs = lagMs ?? this.#lagMs;
      this.#finalMs = Math.max(this.#finalMs, placed.endMs || this.#heard.toMs(this.#heard.lastPause()));
    }
    return placed;
  }

  #lagOf(words: SttWords): number | undefined {
    if (this.#fits(words, this.#lagMs)) return this.#lagMs;
    const { gate, ring } = this.#heard;
    let quiet = gate.quietAfter(this.#heard.toSamples(this.#finalMs), LEFT_OUT_MS);
    while (quiet && quiet.to < ring.written) {
      const lagMs = this.#heard.toMs(quiet.to) - words.startMs;
      if (lagMs > this.#lagMs && this.#fits(words, lagMs)) return lagMs;
      quiet = gate.quietAfter(quiet.to, LEFT_OUT_MS);
    }
    return undefined;
  }

  #fits({ startMs, endMs, words }: SttWords, lagMs: number): boolean {
    const [fromMs, toMs] = [startMs + lagMs, endMs + lagMs];
    if (fromMs < this.#finalMs - SLACK_MS || toMs > this.#heard.toMs(this.#heard.ring.written) + SLACK_MS) return false;
    const firstEndMs = Math.min(words[0] ? words[0].endMs + lagMs : toMs, fromMs + FIRST_WORD_MS);
    return this.#soundShare(fromMs, firstEndMs) >= FIRST_SHARE && this.#soundShare(fromMs, toMs) >= LEAST_SHARE;
  }

  #soundShare(fromMs: number, toMs: number): number {
    const { gate } = this.#heard;
    const soundMs = gate.loudMs(this.#heard.toSamples(fromMs)) - gate.loudMs(this.#heard.toSamples(toMs));
    return soundMs / Math.max(1, toMs - fromMs);
  }
}
