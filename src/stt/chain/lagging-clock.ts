// Puts the times of a link whose clock falls behind the audio back on the stream's clock, by the sound that was heard.
import type { HeardAudio } from './heard-audio.ts';
import { hasTimes, type SttWords, shift } from './words.ts';

/** A plugin may leave out audio from quiet longer than this; pauses between words are shorter. */
const LEFT_OUT_MS = 300;
/** A link's times may differ from the sound by this much, beside its lag. */
const SLACK_MS = 250;
/** At least this share of the words' time is sound: vendors stretch words over the gaps between them. */
const LEAST_SHARE = 0.4;
const BETTER_BY = 0.05;

/**
 * A plugin may leave quiet out of the audio it sends (LiveKit's AudioEnergyFilter does so after a second of quiet), and its vendor
 * counts only the audio it received. So this class looks for a segment where a sound begins, no earlier than the last final's end,
 * and with at least the known lag.
 */
export class LaggingClock {
  readonly #heard: HeardAudio;
  #lagMs = 0;
  /** End of the link's last final in milliseconds, on the stream's clock. */
  #finalMs: number;

  constructor(heard: HeardAudio, fromMs: number) {
    this.#heard = heard;
    this.#finalMs = fromMs;
  }

  /** Puts the times on the stream's clock; times that fit no sound become 0, which means unknown. */
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

  /** Of all places where the segment may begin, the lag at which its words cover most sound; the earlier where two are alike. */
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

  /** Share (0 to 1) of the words' time that is sound at this lag; 0 where the words can't lie. */
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
