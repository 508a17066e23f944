// Sound in and out of an AgentSession without a room: somebody says marked words four times as fast as people talk, and
// what is played is kept.
import { ReadableStream } from 'node:stream/web';
import { voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { decodeTones, markThroughout } from '../../../fixtures/tones.ts';
import { StreamResampler } from '../../../src/audio/stream-resampler.ts';

const RATE_HZ = 24_000;
const FRAME_MS = 20;
const FRAME_SAMPLES = (RATE_HZ * FRAME_MS) / 1000;
const SPEED = 4;

export class FastMicrophone extends voice.AudioInput {
  #queued: Int16Array = new Int16Array(0);
  readonly #timer: NodeJS.Timeout;

  constructor() {
    super();
    const since = performance.now();
    let sent = 0;
    let give: ((frame: AudioFrame) => void) | undefined;
    this.multiStream.addInputStream(
      new ReadableStream<AudioFrame>({
        start: (controller) => {
          give = (frame) => controller.enqueue(frame);
        },
      }),
    );
    this.#timer = setInterval(() => {
      for (const due = ((performance.now() - since) * SPEED) / FRAME_MS; sent < due; sent += 1) {
        const samples = new Int16Array(FRAME_SAMPLES);
        samples.set(this.#queued.slice(0, FRAME_SAMPLES));
        this.#queued = this.#queued.slice(FRAME_SAMPLES);
        give?.(new AudioFrame(samples, RATE_HZ, 1, FRAME_SAMPLES));
      }
    }, FRAME_MS / 2);
  }

  get isSpeaking(): boolean {
    return this.#queued.length > 0;
  }

  say(words: readonly number[]): void {
    const { samples, sampleRateHz } = loadClip('question');
    const resampler = new StreamResampler(sampleRateHz, RATE_HZ);
    const speech = Int16Array.from([...resampler.push(samples), ...resampler.flush()]);
    this.#queued = markThroughout(speech, RATE_HZ, words);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Plays at once, and keeps what was played of each utterance. */
export class InstantLoudspeaker extends voice.AudioOutput {
  #played: Int16Array[] = [];
  #seconds = 0;
  lastFrameMs = Number.NEGATIVE_INFINITY;

  constructor() {
    super(RATE_HZ);
  }

  /** The words that were played since the last call of this method. */
  takeWords(): number[] {
    const samples = Int16Array.from(this.#played.flatMap((piece) => [...piece]));
    this.#played = [];
    return decodeTones(samples, RATE_HZ).map(({ index }) => index);
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    await super.captureFrame(frame);
    if (this.#seconds === 0) this.onPlaybackStarted(Date.now());
    this.#seconds += frame.samplesPerChannel / frame.sampleRate;
    this.#played.push(frame.data.slice());
    this.lastFrameMs = performance.now();
  }

  override flush(): void {
    super.flush();
    this.#finish(false);
  }

  override clearBuffer(): void {
    this.#finish(true);
  }

  #finish(interrupted: boolean): void {
    const playbackPosition = this.#seconds;
    if (playbackPosition === 0) return;
    this.#seconds = 0;
    this.#played.push(new Int16Array(RATE_HZ / 10));
    this.onPlaybackFinished({ playbackPosition, interrupted });
  }
}
