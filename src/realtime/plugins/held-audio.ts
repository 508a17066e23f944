// What the caller says while a session takes no audio: kept without its long silences, for when it does again.
import type { AudioFrame } from '@livekit/rtc-node';
import { SpeechGate } from '../../audio/speech-gate.ts';
import { CALLER_RATE_HZ } from '../caller-audio.ts';

const KEPT_MS = 60_000;
/** Silence that is kept before and after speech. */
const EDGE_MS = 300;

interface Held {
  readonly frame: AudioFrame;
  readonly ms: number;
  readonly isSpeech: boolean;
}

/** Frames are mono at CALLER_RATE_HZ. */
export class HeldAudio {
  readonly #gate = new SpeechGate(CALLER_RATE_HZ, 1_000);
  #held: Held[] = [];
  #heldMs = 0;

  /** Follows whether the caller speaks. @returns whether speech began with it */
  write({ data }: AudioFrame): 'began' | undefined {
    const wasSpeech = this.#gate.isSpeech;
    this.#gate.write(data);
    return this.#gate.isSpeech && !wasSpeech ? 'began' : undefined;
  }

  hold(frame: AudioFrame): void {
    const ms = (frame.samplesPerChannel * 1000) / CALLER_RATE_HZ;
    this.#held.push({ frame, ms, isSpeech: this.#gate.isSpeech });
    this.#heldMs += ms;
    while (this.#heldMs > KEPT_MS) this.#heldMs -= (this.#held.shift() as Held).ms;
  }

  /** The held frames that lie near speech, then `next`. */
  *release(next: AudioFrame): Generator<AudioFrame> {
    const held = this.#held;
    if (held.length > 0) {
      this.#held = [];
      this.#heldMs = 0;
      const isNear = nearSpeech(held);
      for (const [at, { frame }] of held.entries()) if (isNear[at]) yield frame;
    }
    yield next;
  }
}

/** For each frame, whether it lies within EDGE_MS of speech. */
function nearSpeech(held: readonly Held[]): boolean[] {
  const near = held.map(() => false);
  const mark = (positions: Iterable<number>) => {
    let distanceMs = Number.POSITIVE_INFINITY;
    for (const at of positions) {
      const { ms, isSpeech } = held[at] as Held;
      distanceMs = isSpeech ? 0 : distanceMs + ms;
      if (distanceMs <= EDGE_MS) near[at] = true;
    }
  };
  const forwards = [...held.keys()];
  mark(forwards);
  mark(forwards.toReversed());
  return near;
}
