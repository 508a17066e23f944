// All that the caller said since the last final, and from where it is to be heard again.
import { SampleRing } from '../../audio/sample-ring.ts';
import { type QuietSpan, SpeechGate } from '../../audio/speech-gate.ts';
import type { Clock } from '../../failover/clock.ts';

export const KEPT_MS = 60_000;
/** Silence before speech that is replayed with it: it may contain speech too quiet for the gate. */
const LEAD_MS = 2_000;
/** A vendor's word times may end this long before the sound of the word does. */
const WORD_END_SLACK_MS = 250;
/** Shortest gap between words; the closure of a "t" is shorter. */
const GAP_MS = 40;
/** A vendor sends a final without times after a pause this long: the end of an utterance, else a gap between words. */
const UTTERANCE_PAUSE_MS = 300;
const PAUSE_MS = 100;
/** If more speech than this follows a pause, a final is no longer about the speech before that pause. */
const LATE_FINAL_MS = 1_500;

const MUTED_AFTER_MS = 300;

/** All positions are in samples since the start of the stream. */
export class HeardAudio {
  readonly sampleRateHz: number;
  readonly ring: SampleRing;
  readonly gate: SpeechGate;
  readonly #clock: Clock;
  readonly #capacity: number;
  /** Positions at which `flush` asked for a final. */
  readonly #flushes: number[] = [];
  /** Position up to which everything is final. */
  #base = 0;
  #dropped = 0;
  #wasSpeech = false;
  #changedMs: number;
  #writtenMs: number;
  /** Milliseconds of quiet before the latest speech. */
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

  /** Milliseconds of audio that was dropped without a final, because only 60 s are kept. */
  get droppedMs(): number {
    return this.toMs(this.#dropped);
  }

  /** Whether somebody may be speaking now. False once audio stops: a microphone muted in mid-word sends none. */
  get isSpeech(): boolean {
    return this.gate.isSpeech && this.#clock.now() - this.#writtenMs < MUTED_AFTER_MS;
  }

  /** Clock time in milliseconds since which nobody speaks; while somebody does, the time of the last audio. */
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

  /** Marks everything before this position as final. */
  answeredUntil(position: number): void {
    this.#base = Math.max(this.#base, Math.min(position, this.ring.written));
    while (this.#flushes[0] !== undefined && this.#flushes[0] < this.#base) this.#flushes.shift();
  }

  /** Position where a final without times probably ended: in the last pause. */
  lastPause(): number {
    const quiet = this.#utterancePause() ?? this.gate.lastQuiet(PAUSE_MS);
    return quiet ? Math.min((quiet.from + quiet.to) / 2, quiet.from + this.toSamples(PAUSE_MS)) : this.ring.written;
  }

  /** Position where a replay begins: in the gap after the last final word. Of silence at its beginning only 2 s are replayed. */
  get replayFrom(): number {
    const { gate } = this;
    const base = Math.max(this.#base, this.ring.oldest);
    const gap = base === 0 ? undefined : gate.quietAfter(base, GAP_MS);
    // If it is quiet before `base`, the next sound is the next word, not the end of the last one.
    const isInSound = gate.loudMs(base - this.toSamples(GAP_MS)) > gate.loudMs(base);
    const isNear = gap !== undefined && isInSound && gap.from - base <= this.toSamples(WORD_END_SLACK_MS);
    const from = isNear ? Math.min((gap.from + gap.to) / 2, gap.from + this.toSamples(WORD_END_SLACK_MS)) : base;
    return Math.round(this.#afterSilence(Math.max(base, from)));
  }

  /** Milliseconds of sound since the last final, without the end of its last word. */
  get unansweredMs(): number {
    return this.gate.loudMs(this.replayFrom);
  }

  toMs(samples: number): number {
    return (samples * 1000) / this.sampleRateHz;
  }

  toSamples(ms: number): number {
    return Math.round((ms * this.sampleRateHz) / 1000);
  }

  /** The pause after the last utterance: the caller may have begun the next one before the final came. */
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
