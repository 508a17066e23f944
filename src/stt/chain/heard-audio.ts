// All that the caller said since the last final, and from where it is to be heard again.
import { SampleRing } from '../../audio/sample-ring.ts';
import { type QuietSpan, SpeechGate } from '../../audio/speech-gate.ts';
import type { Clock } from '../../failover/clock.ts';

export const KEPT_MS = 60_000;
/** Silence before speech that is heard again with it: speech too quiet for the gate may lie in it. */
const LEAD_MS = 2_000;
/** Vendors' word times end up to so much before the sound does. */
const WORD_END_SLACK_MS = 250;
/** The closure of a "t" is shorter. */
const GAP_MS = 40;
/** What a final without times waited for: the end of an utterance, else a gap between words. */
const UTTERANCE_PAUSE_MS = 300;
const PAUSE_MS = 100;
/** With more speech behind a pause, a final is no longer about what was before it. */
const LATE_FINAL_MS = 1_500;

const MUTED_AFTER_MS = 300;

/** Positions are samples since the first one of the stream. */
export class HeardAudio {
  readonly sampleRateHz: number;
  readonly ring: SampleRing;
  readonly gate: SpeechGate;
  readonly #clock: Clock;
  readonly #capacity: number;
  /** Where what was written shall be finalised, as asked for by `flush`. */
  readonly #flushes: number[] = [];
  /** Everything before is final. */
  #base = 0;
  #dropped = 0;
  #wasSpeech = false;
  #changedMs: number;
  #writtenMs: number;
  /** How long it was quiet before the speech that was heard last. */
  quietBeforeMs = 0;

  /** @throws RangeError for a rate that is none */
  constructor(sampleRateHz: number, clock: Clock) {
    this.sampleRateHz = sampleRateHz;
    this.#clock = clock;
    this.#capacity = Math.round((sampleRateHz * KEPT_MS) / 1000);
    this.ring = new SampleRing(this.#capacity);
    this.gate = new SpeechGate(sampleRateHz, KEPT_MS);
    this.#changedMs = clock.now();
    this.#writtenMs = clock.now();
  }

  /** Unheard audio that was dropped as more than 60 s were kept. */
  get droppedMs(): number {
    return this.toMs(this.#dropped);
  }

  /** Somebody may be speaking now: a microphone that was muted in mid-word gives no more audio. */
  get isSpeech(): boolean {
    return this.gate.isSpeech && this.#clock.now() - this.#writtenMs < MUTED_AFTER_MS;
  }

  /** Since when, on the clock, nobody speaks; where somebody does, the last sound. */
  get quietSinceMs(): number {
    return this.gate.isSpeech ? this.#writtenMs : this.#changedMs;
  }

  /** @returns whether speech began or ended within */
  write(samples: Int16Array): boolean {
    this.ring.write(samples);
    this.gate.write(samples);
    this.#writtenMs = this.#clock.now();
    if (this.ring.oldest > this.#base) this.#overflow();
    if (this.gate.isSpeech === this.#wasSpeech) return false;
    this.#wasSpeech = this.gate.isSpeech;
    if (this.#wasSpeech) this.quietBeforeMs = this.#clock.now() - this.#changedMs;
    this.#changedMs = this.#clock.now();
    return true;
  }

  flush(): void {
    if (this.#flushes.at(-1) !== this.ring.written) this.#flushes.push(this.ring.written);
  }

  /** The first position from `from` on at which a flush was asked for. */
  nextFlush(from: number): number | undefined {
    return this.#flushes.find((position) => position >= from);
  }

  /** What ended here is final. */
  answeredUntil(position: number): void {
    this.#base = Math.max(this.#base, Math.min(position, this.ring.written));
    while (this.#flushes[0] !== undefined && this.#flushes[0] < this.#base) this.#flushes.shift();
  }

  /** Where a final that names no times probably ended: in the last pause. */
  lastPause(): number {
    const quiet = this.#utterancePause() ?? this.gate.lastQuiet(PAUSE_MS);
    return quiet ? Math.min((quiet.from + quiet.to) / 2, quiet.from + this.toSamples(PAUSE_MS)) : this.ring.written;
  }

  /** In the middle of the gap behind the last final word; silence at the beginning is left out but for 2 s. */
  get replayFrom(): number {
    const { gate } = this;
    const base = Math.max(this.#base, this.ring.oldest);
    const gap = base === 0 ? undefined : gate.quietAfter(base, GAP_MS);
    // Behind quiet, what comes is the next word and not the end of one.
    const isInSound = gate.loudMs(base - this.toSamples(GAP_MS)) > gate.loudMs(base);
    const isNear = gap !== undefined && isInSound && gap.from - base <= this.toSamples(WORD_END_SLACK_MS);
    const from = isNear ? Math.min((gap.from + gap.to) / 2, gap.from + this.toSamples(WORD_END_SLACK_MS)) : base;
    return Math.round(this.#afterSilence(Math.max(base, from)));
  }

  /** Sound since the last final, as far as it is longer than the end of its last word. */
  get unansweredMs(): number {
    return this.gate.loudMs(this.replayFrom);
  }

  toMs(samples: number): number {
    return (samples * 1000) / this.sampleRateHz;
  }

  toSamples(ms: number): number {
    return Math.round((ms * this.sampleRateHz) / 1000);
  }

  /** The caller may have begun the next utterance before the final of the last one came. */
  #utterancePause(): QuietSpan | undefined {
    const quiet = this.gate.lastQuiet(UTTERANCE_PAUSE_MS);
    if (!quiet || this.ring.written - quiet.to > this.toSamples(LATE_FINAL_MS)) return undefined;
    const before = Math.max(this.#base, this.ring.oldest);
    return this.gate.loudMs(before) - this.gate.loudMs(quiet.from) >= PAUSE_MS ? quiet : undefined;
  }

  #afterSilence(from: number): number {
    return Math.max(from, this.gate.quietUntil(from) - this.toSamples(LEAD_MS));
  }

  #overflow(): void {
    const base = this.#afterSilence(this.#base);
    this.#dropped += Math.max(0, this.ring.oldest - base);
    this.#base = Math.max(base, this.ring.oldest);
  }
}
