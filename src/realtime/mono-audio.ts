// Frames of any rate and channels as mono PCM16 of one rate.
import type { AudioFrame } from '@livekit/rtc-node';
import { joinSamples } from '../audio/join-samples.ts';
import { StreamResampler } from '../audio/stream-resampler.ts';

export class MonoAudio {
  readonly #rateHz: number;
  #resampler: StreamResampler | undefined;
  #fromHz = 0;

  constructor(rateHz: number) {
    this.#rateHz = rateHz;
  }

  /** @returns an array of its own; when the frames' rate changes, with the rest of what came before */
  push(frame: AudioFrame): Int16Array {
    const before = frame.sampleRate === this.#fromHz ? undefined : this.flush();
    if (before) {
      this.#fromHz = frame.sampleRate;
      this.#resampler = this.#fromHz === this.#rateHz ? undefined : new StreamResampler(this.#fromHz, this.#rateHz);
    }
    const mono = mixDown(frame);
    const samples = this.#resampler?.push(mono) ?? mono;
    return before && before.length > 0 ? joinSamples([before, samples]) : samples;
  }

  flush(): Int16Array {
    return this.#resampler?.flush() ?? new Int16Array(0);
  }
}

function mixDown({ data, channels }: AudioFrame): Int16Array {
  if (channels === 1) return data.slice();
  return Int16Array.from({ length: Math.floor(data.length / channels) }, (_, at) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) sum += data[at * channels + channel] as number;
    return Math.round(sum / channels);
  });
}
