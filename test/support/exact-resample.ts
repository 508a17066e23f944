// Changes the sample rate of mono PCM16 by a windowed sinc that is worked out for every sample: slow, and what the quick one
// (src/audio/stream-resampler.ts) is measured against.

/** Zero crossings of the sinc on either side: 16 keeps the alias below -70 dB. */
const HALF_CROSSINGS = 16;

export class Resampler {
  readonly #step: number;
  readonly #cutoff: number;
  readonly #halfWidth: number;
  #buffer = new Float64Array(0);
  /** Position of the next output sample, in input samples from the start of the buffer. */
  #position: number;

  /** @throws RangeError for rates that are not above 0 */
  constructor(fromHz: number, toHz: number) {
    if (!(fromHz > 0) || !(toHz > 0)) throw new RangeError(`rates must be above 0 Hz, got ${fromHz} and ${toHz}`);
    this.#step = fromHz / toHz;
    this.#cutoff = Math.min(1, toHz / fromHz);
    this.#halfWidth = Math.ceil(HALF_CROSSINGS / this.#cutoff);
    // Silence before the first sample, so that the first sample keeps its own time.
    this.#buffer = new Float64Array(this.#halfWidth);
    this.#position = this.#halfWidth;
  }

  /** Returns the output that is certain so far; the last few milliseconds are kept back until more input comes. */
  push(samples: Int16Array): Int16Array {
    const joined = new Float64Array(this.#buffer.length + samples.length);
    joined.set(this.#buffer);
    joined.set(samples, this.#buffer.length);
    const last = joined.length - this.#halfWidth - 1;
    const count = last < this.#position ? 0 : Math.floor((last - this.#position) / this.#step) + 1;
    const output = Int16Array.from({ length: count }, (_, i) => this.#at(joined, this.#position + i * this.#step));
    this.#position += count * this.#step;
    const drop = Math.max(0, Math.floor(this.#position) - this.#halfWidth);
    this.#buffer = joined.slice(drop);
    this.#position -= drop;
    return output;
  }

  /** Returns the rest; the resampler starts anew after it. */
  flush(): Int16Array {
    const rest = this.push(new Int16Array(this.#halfWidth));
    this.#buffer = new Float64Array(this.#halfWidth);
    this.#position = this.#halfWidth;
    return rest;
  }

  #at(samples: Float64Array, position: number): number {
    const from = Math.ceil(position - this.#halfWidth);
    const to = Math.floor(position + this.#halfWidth);
    let sum = 0;
    for (let i = Math.max(0, from); i <= to; i += 1) sum += (samples[i] ?? 0) * this.#kernel(i - position);
    return Math.max(-32_768, Math.min(32_767, Math.round(sum)));
  }

  /** Sinc under a Blackman window. */
  #kernel(distance: number): number {
    const x = distance / this.#halfWidth;
    const window = 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
    const t = Math.PI * this.#cutoff * distance;
    const sinc = t === 0 ? 1 : Math.sin(t) / t;
    return this.#cutoff * sinc * window;
  }
}

/** Resamples a whole recording. */
export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return samples.slice();
  const resampler = new Resampler(fromHz, toHz);
  const [head, tail] = [resampler.push(samples), resampler.flush()];
  const joined = new Int16Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}
