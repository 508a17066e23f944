// Gives one session its audio: what was heard before as fast as it takes it, then every frame, in order and once.
import { StreamResampler } from '../../audio/stream-resampler.ts';
import type { Clock } from '../../failover/clock.ts';
import type { SttSession, SttTraits } from '../contract.ts';
import { type HeardAudio, KEPT_MS } from './heard-audio.ts';
import { type ActivityDetector, type OpenActivity, openEnergyActivity } from './voice-activity.ts';

export interface SessionFeedOptions {
  readonly heard: HeardAudio;
  readonly clock: Clock;
  readonly session: SttSession;
  readonly traits: SttTraits;
  /** Stream position of the session's first sample. */
  readonly from: number;
  readonly openActivity: OpenActivity;
  /** The session was told that voice activity began or ended. */
  readonly onSpeech: (active: boolean) => void;
  /** The session threw. */
  readonly onFailure: (error: unknown) => void;
}

const CHUNK_MS = 100;
/** Chunks per turn of the event loop. */
const CHUNKS_AT_ONCE = 5;
/** Time limit for the detector to process its last windows at the end. */
const DETECTOR_END_MS = 1_000;

export class SessionFeed {
  /** Milliseconds of audio that were gone from the ring before the session got them. */
  skippedMs = 0;
  readonly replayedMs: number;
  /** Clock time at which the session was last asked to finalise because nobody spoke. */
  finalisedMs = Number.NEGATIVE_INFINITY;
  readonly #options: SessionFeedOptions;
  readonly #resampler: StreamResampler | undefined;
  readonly #chunk: number;
  readonly #mostBehind: number;
  #detector: ActivityDetector | undefined;
  /** Stream positions up to which the session got the audio, the detector got it, and the detector processed it. */
  #given: number;
  #shown: number;
  #processed: number;
  #isActive = false;
  #isFeeding = false;
  #isEnding = false;
  #isDetectorDone = false;
  #isEnded = false;
  #isClosed = false;
  #lastFlush = -1;
  #finaliseAt = Number.POSITIVE_INFINITY;
  #cancelWait: () => void = () => undefined;

  constructor(options: SessionFeedOptions) {
    this.#options = options;
    const { heard, traits, from } = options;
    this.#given = from;
    this.#shown = from;
    this.#processed = from;
    this.#chunk = heard.toSamples(CHUNK_MS);
    this.#mostBehind = heard.toSamples(KEPT_MS / 2);
    this.replayedMs = heard.toMs(heard.ring.written - from);
    if (traits.sampleRateHz !== heard.sampleRateHz) {
      this.#resampler = new StreamResampler(heard.sampleRateHz, traits.sampleRateHz);
    }
    if (traits.needsVoiceActivity) this.#detector = this.#openDetector(options.openActivity);
  }

  get hasDetector(): boolean {
    return this.#detector !== undefined;
  }

  /** Whether the session was told that somebody speaks. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Whether the session has all audio and was told that this is the end. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Call after each frame of the stream, with that frame. */
  feed(samples: Int16Array): void {
    const { heard, session } = this.#options;
    if (this.#isFeeding && heard.ring.written - this.#given > this.#mostBehind) this.#giveNow();
    if (this.#detector || this.#isFeeding || this.#resampler || this.#given !== heard.ring.written - samples.length) {
      this.feedAll();
      return;
    }
    this.#given += samples.length;
    try {
      session.write(samples);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Sends the session all available audio; a large amount continues in later turns of the event loop. */
  feedAll(): void {
    if (this.#isFeeding || this.#isClosed) return;
    try {
      for (let chunks = 0; this.#give() || this.#show(); chunks += 1) {
        if (chunks < CHUNKS_AT_ONCE) continue;
        this.#isFeeding = true;
        setImmediate(() => {
          this.#isFeeding = false;
          this.feedAll();
        });
        return;
      }
      if (this.#isEnding) this.#endWhenDone();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Asks for the final of all audio until now, once the session has it. */
  finalise(): void {
    this.#finaliseAt = this.#options.heard.ring.written;
    this.feedAll();
  }

  end(): void {
    this.#isEnding = true;
    this.feedAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelWait();
    this.#closeDetector();
  }

  /** Sends the session one chunk or flush, no further than the detector has processed; false when there is none. */
  #give(): boolean {
    const { heard, session, clock } = this.#options;
    if (this.#isClosed || this.#isEnded) return false;
    this.#skipWhatIsGone();
    const asked = heard.nextFlush(Math.max(this.#given, this.#lastFlush + 1)) ?? Number.POSITIVE_INFINITY;
    const flush = Math.min(asked, this.#finaliseAt);
    if (flush <= this.#given) {
      if (asked <= this.#given) this.#lastFlush = asked;
      if (this.#finaliseAt <= this.#given) {
        this.#finaliseAt = Number.POSITIVE_INFINITY;
        this.finalisedMs = clock.now();
      }
      session.flush();
      return true;
    }
    const written = heard.ring.written;
    const limit = Math.min(this.#detector && !this.#isDetectorDone ? this.#processed : written, flush);
    if (limit <= this.#given) return false;
    const samples = heard.ring.view(this.#given, Math.min(this.#chunk, limit - this.#given));
    this.#given += samples.length;
    session.write(this.#resampler ? this.#resampler.push(samples) : samples);
    return true;
  }

  #show(): boolean {
    const { heard } = this.#options;
    if (this.#isClosed || !this.#detector || this.#isDetectorDone || this.#shown >= heard.ring.written) return false;
    const samples = heard.ring.view(this.#shown, this.#chunk);
    this.#shown += samples.length;
    this.#detector.write(samples);
    return true;
  }

  #skipWhatIsGone(): void {
    const { heard } = this.#options;
    const gone = heard.ring.oldest - this.#given;
    if (gone <= 0) return;
    this.#given += gone;
    this.#shown = Math.max(this.#shown, this.#given);
    this.#processed = Math.max(this.#processed, this.#given);
    this.skippedMs += heard.toMs(gone);
  }

  #endWhenDone(): void {
    const { session, clock } = this.#options;
    if (this.#isEnded || this.#isClosed) return;
    if (this.#detector && !this.#isDetectorDone) {
      const done = () => {
        this.#cancelWait();
        this.#isDetectorDone = true;
        this.feedAll();
      };
      this.#cancelWait();
      this.#cancelWait = clock.setTimeout(done, DETECTOR_END_MS);
      this.#detector.end().then(done, done);
      return;
    }
    this.#isEnded = true;
    if (this.#resampler) session.write(this.#resampler.flush());
    session.end();
  }

  #openDetector(open: OpenActivity): ActivityDetector {
    const { heard } = this.#options;
    const base = this.#shown;
    const events = {
      onSpeech: (active: boolean) => this.#told(active),
      onProcessed: (samples: number) => {
        this.#processed = Math.max(this.#processed, Math.min(base + samples, this.#shown));
        this.#giveProcessed();
      },
      onBroken: () => this.#replaceDetector(),
    };
    try {
      return open(heard.sampleRateHz, events);
    } catch {
      return openEnergyActivity(heard.sampleRateHz, events);
    }
  }

  /** Sends audio at once: input that comes faster than turns of the event loop must not push waiting audio out of the ring. */
  #giveNow(): void {
    const { heard } = this.#options;
    try {
      while (heard.ring.written - this.#given > this.#mostBehind && this.#give());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Does not use `feedAll`, which shows the detector more: the detector may call this while it processes audio. */
  #giveProcessed(): void {
    try {
      while (this.#give());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Tells the session about voice activity; audio processed before has already gone to it. */
  #told(active: boolean): void {
    if (this.#isClosed || this.#isEnded || active === this.#isActive) return;
    const { session, onSpeech } = this.#options;
    this.#isActive = active;
    try {
      session.speech?.(active);
    } catch (error) {
      this.#fail(error);
      return;
    }
    onSpeech(active);
  }

  #replaceDetector(): void {
    if (this.#isClosed || this.#isEnded || !this.#detector) return;
    this.#closeDetector();
    this.#shown = this.#processed;
    this.#detector = this.#openDetector(openEnergyActivity);
    this.feedAll();
  }

  #closeDetector(): void {
    try {
      this.#detector?.close();
    } catch {
      // A detector that can't be closed is no longer used all the same.
    }
  }

  #fail(error: unknown): void {
    queueMicrotask(() => this.#options.onFailure(error));
  }
}
