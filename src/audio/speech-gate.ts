// Tells by energy alone when somebody may be speaking: far cheaper than voice activity, and it takes loud noise for speech.

/** States of a window: quiet, short quiet within speech, or sound. */
const QUIET = 0;
const WITHIN = 1;
const LOUD = 2;

const WINDOW_MS = 10;
/** Loud windows in a row that start speech; two are only a click. */
const ONSET_WINDOWS = 3;
/** Quiet windows in a row that end speech; the gaps between words are shorter. */
const HANGOVER_WINDOWS = 20;
/** Sound has more than this many times (10 dB) the power of the noise floor. */
const OVER_FLOOR = 10;
/** Sound is louder than -52 dBFS: quiet speech lies near -40, comfort noise near -70. */
const LEAST_POWER = (32_768 * 10 ** (-52 / 20)) ** 2;
/** The noise floor is the quietest window of the last 2 s: speech has quiet moments, steady noise is at its floor all the time. */
const FLOOR_BLOCKS = 4;
const BLOCK_WINDOWS = 50;

export interface QuietSpan {
  /** Stream positions in samples. */
  readonly from: number;
  readonly to: number;
}

export class SpeechGate {
  readonly #windowSamples: number;
  readonly #windowMs: number;
  /** States of the last windows, as a ring. */
  readonly #flags: Uint8Array;
  readonly #minima = new Float64Array(FLOOR_BLOCKS).fill(LEAST_POWER);
  #windows = 0;
  #filled = 0;
  #energy = 0;
  #blockLeast = Number.POSITIVE_INFINITY;
  #blockWindows = 0;
  #block = 0;
  #threshold = LEAST_POWER;
  #loudInRow = 0;
  #quietInRow = HANGOVER_WINDOWS;
  #isSpeech = false;

  /**
   * @param keptMs for so long it is remembered what was speech
   * @throws RangeError for a rate or a time that is not above 0
   */
  constructor(sampleRateHz: number, keptMs: number) {
    if (!(sampleRateHz >= 1_000) || !(keptMs >= WINDOW_MS)) {
      throw new RangeError(
        `a speech gate needs a rate from 1,000 Hz and 10 ms, got ${sampleRateHz} Hz and ${keptMs} ms`,
      );
    }
    this.#windowSamples = Math.round((sampleRateHz * WINDOW_MS) / 1000);
    this.#windowMs = (this.#windowSamples * 1000) / sampleRateHz;
    this.#flags = new Uint8Array(Math.ceil(keptMs / WINDOW_MS));
  }

  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  /** Must not allocate memory, because it runs for every frame of a call. */
  write(samples: Int16Array): void {
    const { length } = samples;
    let energy = this.#energy;
    let filled = this.#filled;
    for (let i = 0; i < length; i += 1) {
      const sample = samples[i] as number;
      energy += sample * sample;
      filled += 1;
      if (filled === this.#windowSamples) {
        this.#take(energy / filled);
        energy = 0;
        filled = 0;
      }
    }
    this.#energy = energy;
    this.#filled = filled;
  }

  /** Milliseconds of sound from this stream position on. */
  loudMs(from: number): number {
    return this.#count(from, LOUD) * this.#windowMs;
  }

  /** Milliseconds of speech from this stream position on, short gaps between words included. */
  speechMs(from: number): number {
    return this.#count(from, WITHIN) * this.#windowMs;
  }

  /** First quiet of at least `leastMs` that lies after `from`; it ends now if no sound followed. */
  quietAfter(from: number, leastMs: number): QuietSpan | undefined {
    let start = -1;
    const least = leastMs / this.#windowMs;
    for (let window = this.#windowAt(from); window < this.#windows; window += 1) {
      if (this.#flagOf(window) !== LOUD) {
        if (start < 0) start = window;
      } else {
        if (start >= 0 && window - start >= least) return this.#span(start, window);
        start = -1;
      }
    }
    return start >= 0 && this.#windows - start >= least ? this.#span(start, this.#windows) : undefined;
  }

  /** End of the quiet at `from`: `from` itself if there is sound, now if no sound followed. */
  quietUntil(from: number): number {
    let window = this.#windowAt(from);
    while (window < this.#windows && this.#flagOf(window) !== LOUD) window += 1;
    return Math.max(from, window * this.#windowSamples);
  }

  /** Last quiet of at least `leastMs`; it may still last. */
  lastQuiet(leastMs: number): QuietSpan | undefined {
    let end = -1;
    const least = leastMs / this.#windowMs;
    const oldest = Math.max(0, this.#windows - this.#flags.length);
    for (let window = this.#windows - 1; window >= oldest - 1; window -= 1) {
      const isQuiet = window >= oldest && this.#flagOf(window) !== LOUD;
      if (isQuiet && end < 0) end = window + 1;
      if (isQuiet || end < 0) continue;
      if (end - window - 1 >= least) return this.#span(window + 1, end);
      end = -1;
    }
    return undefined;
  }

  #take(power: number): void {
    this.#follow(power);
    if (power > this.#threshold) {
      this.#loudInRow += 1;
      this.#quietInRow = 0;
      if (this.#loudInRow >= ONSET_WINDOWS) this.#isSpeech = true;
    } else {
      this.#loudInRow = 0;
      this.#quietInRow += 1;
      if (this.#quietInRow >= HANGOVER_WINDOWS) this.#isSpeech = false;
    }
    this.#flags[this.#windows % this.#flags.length] = this.#quietInRow === 0 ? LOUD : this.#isSpeech ? WITHIN : QUIET;
    this.#windows += 1;
  }

  #follow(power: number): void {
    if (power < this.#blockLeast) this.#blockLeast = power;
    this.#blockWindows += 1;
    if (this.#blockWindows < BLOCK_WINDOWS) return;
    this.#minima[this.#block] = this.#blockLeast;
    this.#block = (this.#block + 1) % FLOOR_BLOCKS;
    this.#blockWindows = 0;
    this.#blockLeast = Number.POSITIVE_INFINITY;
    let floor = Number.POSITIVE_INFINITY;
    for (let i = 0; i < FLOOR_BLOCKS; i += 1) floor = Math.min(floor, this.#minima[i] as number);
    this.#threshold = Math.max(LEAST_POWER, floor * OVER_FLOOR);
  }

  #count(from: number, atLeast: number): number {
    let count = 0;
    for (let window = this.#windowAt(from); window < this.#windows; window += 1) {
      if ((this.#flagOf(window) as number) >= atLeast) count += 1;
    }
    return count;
  }

  /** First window that begins at or after this position and is still in the ring. */
  #windowAt(position: number): number {
    return Math.max(0, this.#windows - this.#flags.length, Math.ceil(position / this.#windowSamples));
  }

  #flagOf(window: number): number | undefined {
    return this.#flags[window % this.#flags.length];
  }

  #span(fromWindow: number, toWindow: number): QuietSpan {
    return { from: fromWindow * this.#windowSamples, to: toWindow * this.#windowSamples };
  }
}
