// When the session's own sound will have been played: what follows it must not lie over it.
import type { voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import type { Clock } from '../failover/clock.ts';

type AudioOutput = NonNullable<voice.AgentSession['output']['audio']>;

export class PlayoutEnd {
  readonly #clock: Clock;
  #endMs = Number.NEGATIVE_INFINITY;

  /**
   * @param onSound before each frame that the session plays
   */
  constructor(output: AudioOutput, clock: Clock, onSound: () => void) {
    this.#clock = clock;
    const capture = output.captureFrame.bind(output);
    // The session reports only the beginning and the end of a reply, and a reply that waits for its provider has not ended.
    output.captureFrame = (frame: AudioFrame) => {
      onSound();
      const lengthMs = (frame.samplesPerChannel * 1000) / frame.sampleRate;
      this.#endMs = Math.max(this.#endMs, clock.now()) + lengthMs;
      return capture(frame);
    };
    // After an interruption this comes before the computed end.
    output.on('playbackFinished', () => {
      this.#endMs = Number.NEGATIVE_INFINITY;
    });
  }

  /** How long the sound that the session handed over still plays, in ms; 0 when it is over. */
  get leftMs(): number {
    return Math.max(0, this.#endMs - this.#clock.now());
  }
}
