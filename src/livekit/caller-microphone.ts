// A microphone that never stops: 10 ms frames at real time, speech where there is some and a room's faint noise between.

import { AudioFrame, AudioResampler, AudioResamplerQuality, AudioSource } from '@livekit/rtc-node';
import { joinSamples } from '../audio/join-samples.ts';
import { voicedSpans } from '../audio/voiced-spans.ts';

export const MICROPHONE_RATE_HZ = 48_000;
const FRAME_MS = 10;
const FRAME_SAMPLES = (MICROPHONE_RATE_HZ * FRAME_MS) / 1000;
/** When a frame is later than this, the missed frames are left out instead of sent at once: the machine slept. */
const GIVE_UP_MS = 1000;

interface Clip {
  readonly samples: Int16Array;
  next: number;
  startedAtMs: number;
  readonly done: (utterance: Utterance | undefined) => void;
}

/** One thing said by the caller. All times are on the caller's clock, ms. */
export interface Utterance {
  readonly startMs: number;
  readonly endMs: number;
  /** First and last sound of the utterance: silence at either end of a clip is not speech. */
  readonly firstVoicedMs: number;
  readonly lastVoicedMs: number;
}

export class CallerMicrophone {
  // Without a queue in the source a sample leaves when it is handed over, so the times that are compared are exact.
  // Such a source takes frames of exactly 10 ms.
  readonly source = new AudioSource(MICROPHONE_RATE_HZ, 1, 0);
  /** Greatest lateness of a frame in ms: a busy machine adds it to the measured times. */
  worstLatenessMs = 0;
  readonly #now: () => number;
  readonly #clips: Clip[] = [];
  readonly #spoken: { readonly startMs: number; readonly samples: Int16Array }[] = [];
  readonly #noise = faintNoise();
  #noiseAt = 0;
  #dueMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** @param now the caller's clock, ms */
  constructor(now: () => number) {
    this.#now = now;
    this.#dueMs = now() + FRAME_MS;
    this.#wait();
  }

  /**
   * Plays mono PCM16 after the clips that are queued already. Resolves once the last sample has left; with undefined when
   * stopped before the first.
   */
  play(samples: Int16Array, sampleRateHz: number): Promise<Utterance | undefined> {
    if (this.#stopped || samples.length === 0) return Promise.resolve(undefined);
    return new Promise((done) => {
      this.#clips.push({ samples: resampled(samples, sampleRateHz), next: 0, startedAtMs: 0, done });
    });
  }

  /** All speech of the caller from `fromMs` on, with silence between: mono PCM16 at MICROPHONE_RATE_HZ. */
  recorded(fromMs: number): Int16Array {
    const placed = this.#spoken.map(({ startMs, samples }) => ({
      at: Math.round(((startMs - fromMs) * MICROPHONE_RATE_HZ) / 1000),
      samples,
    }));
    const all = new Int16Array(placed.reduce((end, { at, samples }) => Math.max(end, at + samples.length), 0));
    for (const { at, samples } of placed) {
      if (at + samples.length > 0) all.set(samples.subarray(Math.max(0, -at)), Math.max(0, at));
    }
    return all;
  }

  /** Stops the current speech and drops the queued clips, like a caller who breaks off. */
  breakOff(): void {
    for (const clip of this.#clips.splice(0)) this.#finish(clip);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.breakOff();
    await this.source.close();
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#dueMs - this.#now()));
  }

  #tick(): void {
    const lateMs = this.#now() - this.#dueMs;
    if (lateMs > GIVE_UP_MS) this.#dueMs += Math.floor(lateMs / FRAME_MS) * FRAME_MS;
    this.worstLatenessMs = Math.max(this.worstLatenessMs, lateMs);
    // As with a real microphone, a frame leaves after its last sample was heard, not after its first.
    while (!this.#stopped && this.#now() >= this.#dueMs) {
      this.#send(this.#dueMs - FRAME_MS);
      this.#dueMs += FRAME_MS;
    }
    if (!this.#stopped) this.#wait();
  }

  #send(startMs: number): void {
    const data = this.#nextNoise();
    const clip = this.#clips[0];
    if (clip) {
      if (clip.next === 0) clip.startedAtMs = startMs;
      data.set(clip.samples.subarray(clip.next, clip.next + FRAME_SAMPLES));
      clip.next = Math.min(clip.next + FRAME_SAMPLES, clip.samples.length);
    }
    // A frame that is refused because the room is gone is not an error: code that waits for the room learns of its end.
    this.source.captureFrame(new AudioFrame(data, MICROPHONE_RATE_HZ, 1, FRAME_SAMPLES)).catch(() => {});
    if (clip && clip.next === clip.samples.length) {
      this.#clips.shift();
      this.#finish(clip);
    }
  }

  #finish(clip: Clip): void {
    const { startedAtMs: startMs, next, done } = clip;
    if (next === 0) {
      done(undefined);
      return;
    }
    const samples = clip.samples.subarray(0, next);
    this.#spoken.push({ startMs, samples });
    done(utteranceOf(samples, startMs));
  }

  #nextNoise(): Int16Array {
    this.#noiseAt = (this.#noiseAt + FRAME_SAMPLES) % this.#noise.length;
    return this.#noise.slice(this.#noiseAt, this.#noiseAt + FRAME_SAMPLES);
  }
}

/** One second of noise near -82 dBFS, the same each time, as no microphone gives digital silence. */
function faintNoise(): Int16Array {
  let state = 1;
  return Int16Array.from({ length: MICROPHONE_RATE_HZ }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state % 9) - 4;
  });
}

function utteranceOf(samples: Int16Array, startMs: number): Utterance {
  const endMs = startMs + (samples.length * 1000) / MICROPHONE_RATE_HZ;
  const voiced = voicedSpans(samples, MICROPHONE_RATE_HZ);
  const [first, last] = [voiced[0], voiced.at(-1)];
  return {
    startMs,
    endMs,
    firstVoicedMs: first ? startMs + first.startMs : startMs,
    lastVoicedMs: last ? startMs + last.endMs : endMs,
  };
}

/** Resamples the whole clip at once with the room client's resampler, as a clip is complete when it is spoken. */
function resampled(samples: Int16Array, sampleRateHz: number): Int16Array {
  if (sampleRateHz === MICROPHONE_RATE_HZ) return samples;
  const resampler = new AudioResampler(sampleRateHz, MICROPHONE_RATE_HZ, 1, AudioResamplerQuality.HIGH);
  // slice() copies: a frame over part of a buffer would send the buffer's beginning.
  const frame = new AudioFrame(samples.slice(), sampleRateHz, 1, samples.length);
  const parts = [...resampler.push(frame), ...resampler.flush()].map(({ data }) => data);
  resampler.close();
  return joinSamples(parts);
}
