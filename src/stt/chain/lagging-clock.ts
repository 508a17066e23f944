// Puts the times of a link whose clock falls behind the audio back on the stream's clock, by the sound that was heard.
import type { HeardAudio } from './heard-audio.ts';
import { hasTimes, type SttWords, shift } from './words.ts';

/** Audio is left out of quiet that is longer; the pauses between words are shorter. */
const LEFT_OUT_MS = 300;
/** Two recognisers place the same word so far apart. */
const SLACK_MS = 250;
/** Of what are words, at least so much is sound: vendors stretch them over the gaps between them. */
const LEAST_SHARE = 0.4;
const BETTER_BY = 0.05;

/**
 * A plugin may leave quiet out of what it sends (LiveKit's AudioEnergyFilter does after a second of it), and its vendor counts
 * what it got. So a segment is looked for where a sound begins, no earlier than the last final's end and the lag that is
 * known.
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

  /** Of all places where it may have begun, that at which its words are sound most of all; the earlier where they are alike. */
  #lagOf(words: SttWords): number | undefined {
    const { gate, ring } = this.#heard;
    let best: number | undefined;
    let share = LEAST_SHARE;
    const consider = (lagMs: number) => {
      const its = this.#soundShare(words, lagMs);
      if (its < share) return;
      best = lagMs;
      share = its + BETTER_BY;
    };
    consider(this.#lagMs);
    let quiet = gate.quietAfter(this.#heard.toSamples(this.#finalMs), LEFT_OUT_MS);
    while (quiet && quiet.to < ring.written) {
      const lagMs = this.#heard.toMs(quiet.to) - words.startMs;
      if (lagMs > this.#lagMs) consider(lagMs);
      quiet = gate.quietAfter(quiet.to, LEFT_OUT_MS);
    }
    return best;
  }

  /** How much of what are words is sound; none where they can't lie. */
  #soundShare({ startMs, endMs, words }: SttWords, lagMs: number): number {
    const [fromMs, toMs] = [startMs + lagMs, endMs + lagMs];
    if (fromMs < this.#finalMs - SLACK_MS || toMs > this.#heard.toMs(this.#heard.ring.written) + SLACK_MS) return 0;
    const spans = words.length > 0 ? words : [{ startMs, endMs }];
    let [soundMs, allMs] = [0, 0];
    for (const span of spans) {
      soundMs += this.#soundMs(span.startMs + lagMs, span.endMs + lagMs);
      allMs += span.endMs - span.startMs;
    }
    return soundMs / Math.max(1, allMs);
  }

  #soundMs(fromMs: number, toMs: number): number {
    const { gate } = this.#heard;
    return gate.loudMs(this.#heard.toSamples(fromMs)) - gate.loudMs(this.#heard.toSamples(toMs));
  }
}
