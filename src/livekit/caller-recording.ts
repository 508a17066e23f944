// What the agent's track played, placed on the caller's clock.
import { AudioStream, type RemoteTrack } from '@livekit/rtc-node';
import { levelDbfs, type Span, type VoicedOptions, voicedSpans } from '../audio/voiced-spans.ts';

export const RECORDING_RATE_HZ = 48_000;
const FRAME_MS = 10;
const FRAME_SAMPLES = (RECORDING_RATE_HZ * FRAME_MS) / 1000;
/** Level above which the agent counts as heard; see `voicedSpans`. */
const VOICED_DBFS = -50;
/** Frames follow each other without gaps until the track's clock and ours differ by more than this. */
const SLACK_MS = 15;
/** A frame can only come late, never early, so the least late of this many frames shows when they really played. */
const LOOK_AHEAD_FRAMES = 100;

interface Frame {
  readonly arrivedMs: number;
  readonly samples: Int16Array;
}

export class CallerRecording {
  /** When the agent was last heard, in ms on the caller's clock; undefined until it was heard. */
  lastVoicedMs: number | undefined;
  readonly #now: () => number;
  readonly #tracks: Frame[][] = [];
  readonly #readers = new Set<ReadableStreamDefaultReader<{ data: Int16Array }>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Records until the track or the recording ends. */
  async record(track: RemoteTrack): Promise<void> {
    const frames: Frame[] = [];
    this.#tracks.push(frames);
    const stream = new AudioStream(track, { sampleRate: RECORDING_RATE_HZ, numChannels: 1, frameSizeMs: FRAME_MS });
    const reader = stream.getReader();
    this.#readers.add(reader);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const arrivedMs = this.#now();
      frames.push({ arrivedMs, samples: value.data });
      if (levelDbfs(value.data) > VOICED_DBFS) this.lastVoicedMs = arrivedMs + FRAME_MS;
    }
    this.#readers.delete(reader);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => reader.cancel().catch(() => {})));
  }

  /** Mono PCM16 at 48 kHz from `fromMs` of the caller's clock on; several tracks are mixed. */
  samples(fromMs = 0): Int16Array {
    const placed = this.#tracks.flatMap((frames) => place(frames, fromMs));
    const end = placed.reduce((latest, { at, samples }) => Math.max(latest, at + samples.length), 0);
    const mixed = new Int16Array(end);
    for (const { at, samples } of placed) {
      for (let i = Math.max(0, -at); i < samples.length; i++) {
        const sum = (mixed[at + i] as number) + (samples[i] as number);
        mixed[at + i] = Math.max(-32_768, Math.min(32_767, sum));
      }
    }
    return mixed;
  }

  /** When the agent was heard, on the caller's clock. */
  voicedSpans(fromMs = 0, options: VoicedOptions = {}): Span[] {
    return voicedSpans(this.samples(fromMs), RECORDING_RATE_HZ, { aboveDbfs: VOICED_DBFS, ...options }).map(
      ({ startMs, endMs }) => ({ startMs: startMs + fromMs, endMs: endMs + fromMs }),
    );
  }
}

/** Where each frame begins, in samples after `fromMs`; earlier frames are left out. */
function place(frames: readonly Frame[], fromMs: number): { at: number; samples: Int16Array }[] {
  const placed: { at: number; samples: Int16Array }[] = [];
  let next = Number.NEGATIVE_INFINITY;
  const first = frames.findIndex(({ arrivedMs }) => arrivedMs >= fromMs);
  if (first === -1) return placed;
  const onTime = arrivalsOnTime(frames, first);
  for (let i = first; i < frames.length; i++) {
    const { samples } = frames[i] as Frame;
    const at = Math.round((((onTime[i - first] as number) - fromMs) * RECORDING_RATE_HZ) / 1000);
    if (Math.abs(at - next) > (SLACK_MS * RECORDING_RATE_HZ) / 1000) next = at;
    placed.push({ at: next, samples });
    next += FRAME_SAMPLES;
  }
  return placed;
}

/** Arrival times in ms of the frames from `first` on, as if none had been late. */
function arrivalsOnTime(frames: readonly Frame[], first: number): Float64Array {
  const onTime = new Float64Array(frames.length - first);
  for (let i = first; i < frames.length; i++) {
    let least = Number.POSITIVE_INFINITY;
    const end = Math.min(i + LOOK_AHEAD_FRAMES, frames.length);
    for (let j = i; j < end; j++) least = Math.min(least, (frames[j] as Frame).arrivedMs - (j - i) * FRAME_MS);
    onTime[i - first] = least;
  }
  return onTime;
}
