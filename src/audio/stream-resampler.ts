// Changes the sample rate of mono PCM16 that comes in pieces, cheaply: a polyphase filter with kernels made once.

/** Zero crossings of the sinc on either side: 16 keep aliasing below -70 dB. */
const HALF_CROSSINGS = 16;

interface Kernel {
  readonly up: number;
  readonly down: number;
  /** Input samples on either side of an output sample. */
  readonly half: number;
  /** One row of 2 · half taps for each phase. */
  readonly taps: Float32Array;
}

const kernels = new Map<string, Kernel>();

export class StreamResampler {
  readonly #kernel: Kernel;
  /** Input from `half - 1` samples before the last input sample that lies at or before the next output sample. */
  #input: Float32Array;
  #length: number;
  /** Position of the next output sample after the last input sample before it, in units of 1 / `up` input samples. */
  #phase = 0;
  #taken = 0;
  #given = 0;

  /** @throws RangeError for rates that are not whole numbers above 0 */
  constructor(fromHz: number, toHz: number) {
    if (![fromHz, toHz].every((rate) => Number.isInteger(rate) && rate > 0)) {
      throw new RangeError(`rates must be whole numbers above 0 Hz, got ${fromHz} and ${toHz}`);
    }
    this.#kernel = kernelFor(fromHz, toHz);
    this.#input = new Float32Array(4 * this.#kernel.half);
    // Silence before the first sample, so that the output begins at the time of that sample.
    this.#length = this.#kernel.half - 1;
  }

  /** Returns the output that is ready; the last 1 to 2 ms are held until more input comes. */
  push(samples: Int16Array): Int16Array {
    this.#taken += samples.length;
    this.#append(samples);
    return this.#run(Number.POSITIVE_INFINITY);
  }

  /** Returns the rest; after it the resampler starts anew. */
  flush(): Int16Array {
    const { up, down, half } = this.#kernel;
    const due = Math.ceil((this.#taken * up) / down) - this.#given;
    this.#append(new Int16Array(half + 1));
    const rest = this.#run(due);
    this.#length = half - 1;
    this.#input.fill(0);
    this.#phase = 0;
    this.#taken = 0;
    this.#given = 0;
    return rest;
  }

  #append(samples: Int16Array): void {
    const length = this.#length + samples.length;
    if (length > this.#input.length) {
      const larger = new Float32Array(2 * length);
      larger.set(this.#input.subarray(0, this.#length));
      this.#input = larger;
    }
    this.#input.set(samples, this.#length);
    this.#length = length;
  }

  #run(most: number): Int16Array {
    const { up, down, half, taps } = this.#kernel;
    const width = 2 * half;
    const last = this.#length - width;
    // Number of outputs n, from 0, for which (phase + n · down) / up, rounded down, is at most `last`.
    const ready = last < 0 ? 0 : Math.ceil(((last + 1) * up - this.#phase) / down);
    const count = Math.max(0, Math.min(ready, most));
    const output = new Int16Array(count);
    const input = this.#input;
    let [at, phase] = [0, this.#phase];
    for (let n = 0; n < count; n += 1) {
      const row = phase * width;
      let sum = 0;
      for (let tap = 0; tap < width; tap += 1) sum += (input[at + tap] as number) * (taps[row + tap] as number);
      output[n] = sum > 32_767 ? 32_767 : sum < -32_768 ? -32_768 : Math.round(sum);
      phase += down;
      at += Math.floor(phase / up);
      phase %= up;
    }
    this.#phase = phase;
    const dropped = Math.min(at, this.#length);
    input.copyWithin(0, dropped, this.#length);
    this.#length -= dropped;
    this.#given += count;
    return output;
  }
}

function kernelFor(fromHz: number, toHz: number): Kernel {
  const key = `${fromHz}>${toHz}`;
  let kernel = kernels.get(key);
  if (!kernel) {
    kernel = makeKernel(fromHz, toHz);
    kernels.set(key, kernel);
  }
  return kernel;
}

/** Makes a sinc with a Blackman window for each phase that an output sample may have between two input samples. */
function makeKernel(fromHz: number, toHz: number): Kernel {
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const [up, down] = [toHz / divisor, fromHz / divisor];
  const cutoff = Math.min(1, toHz / fromHz);
  const half = Math.ceil(HALF_CROSSINGS / cutoff);
  const taps = new Float32Array(up * 2 * half);
  for (let phase = 0; phase < up; phase += 1) {
    const row = taps.subarray(phase * 2 * half, (phase + 1) * 2 * half);
    for (let tap = 0; tap < row.length; tap += 1) row[tap] = windowedSinc(tap - (half - 1) - phase / up, half, cutoff);
    const sum = row.reduce((total, value) => total + value, 0);
    for (let tap = 0; tap < row.length; tap += 1) row[tap] = (row[tap] as number) / sum;
  }
  return { up, down, half, taps };
}

function windowedSinc(distance: number, half: number, cutoff: number): number {
  const x = distance / half;
  if (Math.abs(x) >= 1) return 0;
  const t = Math.PI * cutoff * distance;
  const window = 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
  return (t === 0 ? 1 : Math.sin(t) / t) * window;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
