// One PocketSphinx decoder: a search over audio with a language model or a grammar.

export interface DecoderExports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  x_alloc(bytes: number): number;
  x_release(address: number): void;
  x_new(json: number): number;
  x_start(decoder: number): number;
  x_process(decoder: number, samples: number, count: number): number;
  x_end(decoder: number): number;
  x_segments(decoder: number, out: number, limit: number): number;
  x_grammar(decoder: number, name: number, jsgf: number): number;
  x_remove_search(decoder: number, name: number): number;
  x_activate(decoder: number, name: number): number;
  x_add_word(decoder: number, word: number, phones: number, update: number): number;
  x_lookup(decoder: number, word: number): number;
  x_measure(decoder: number, samples: number, count: number, sums: number): number;
  x_set_means(decoder: number, means: number): number;
}

/** A word or a silence of the best path; it includes both frames. */
export interface Segment {
  /** As in the dictionary, without the number of its pronunciation; silence and noises are in brackets. */
  readonly word: string;
  readonly firstFrame: number;
  readonly lastFrame: number;
  /** Log likelihood of the sound; 0 is the best fit. */
  readonly acoustic: number;
  /** Probability, 0 to 1, against the other words that the search kept. */
  readonly posterior: number;
}

export const CEPSTRA = 13;
const MAX_SEGMENTS = 1000;
const SEGMENT_INTS = 6;
const CHUNK_SAMPLES = 16_000;
/** Before the third pass PocketSphinx keeps scores with ten bits less (SENSCR_SHIFT). */
const EARLY_SCORE_SCALE = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Decoder {
  readonly #exports: DecoderExports;
  readonly #handle: number;
  readonly #segments: number;
  readonly #samples: number;
  readonly #words = new Set<string>();
  #isRunning = false;

  /** @throws an error when the model can't be loaded */
  constructor(exports: DecoderExports, options: Readonly<Record<string, unknown>>) {
    this.#exports = exports;
    this.#handle = this.#withText((json) => exports.x_new(json), JSON.stringify(options));
    if (this.#handle === 0) throw new Error('PocketSphinx cannot load its model');
    this.#segments = exports.x_alloc(MAX_SEGMENTS * SEGMENT_INTS * 4);
    this.#samples = exports.x_alloc(CHUNK_SAMPLES * 2);
  }

  start(): void {
    this.#check(this.#exports.x_start(this.#handle), 'start');
    this.#isRunning = true;
  }

  process(samples: Int16Array): void {
    for (let from = 0; from < samples.length; from += CHUNK_SAMPLES) {
      const chunk = samples.subarray(from, from + CHUNK_SAMPLES);
      new Int16Array(this.#exports.memory.buffer, this.#samples, chunk.length).set(chunk);
      this.#check(this.#exports.x_process(this.#handle, this.#samples, chunk.length), 'process');
    }
  }

  end(): void {
    this.#check(this.#exports.x_end(this.#handle), 'end');
    this.#isRunning = false;
  }

  /** The best path so far; more accurate after `end()`. */
  segments(): Segment[] {
    const count = this.#exports.x_segments(this.#handle, this.#segments, MAX_SEGMENTS);
    const numbers = new Int32Array(this.#exports.memory.buffer, this.#segments, count * SEGMENT_INTS);
    return Array.from({ length: count }, (_, index) => {
      const [word = 0, firstFrame = 0, lastFrame = 0, acoustic = 0, , posterior = 0] = numbers.subarray(
        index * SEGMENT_INTS,
        (index + 1) * SEGMENT_INTS,
      );
      const text = this.#textAt(word).replace(/\(\d+\)$/, '');
      const score = this.#isRunning ? acoustic * EARLY_SCORE_SCALE : acoustic;
      return { word: text, firstFrame, lastFrame, acoustic: score, posterior: Math.min(1, posterior / 10_000) };
    });
  }

  /** @throws an error when the grammar is wrong or has a word that isn't known */
  addGrammar(name: string, jsgf: string): void {
    this.#check(
      this.#withText((id, text) => this.#exports.x_grammar(this.#handle, id, text), name, jsgf),
      `take the grammar ${name}`,
    );
  }

  removeSearch(name: string): void {
    this.#withText((id) => this.#exports.x_remove_search(this.#handle, id), name);
  }

  activate(name: string): void {
    this.#check(
      this.#withText((id) => this.#exports.x_activate(this.#handle, id), name),
      `activate ${name}`,
    );
  }

  hasWord(word: string): boolean {
    if (this.#words.has(word)) return true;
    const phones = this.#withText((text) => this.#exports.x_lookup(this.#handle, text), word);
    if (phones !== 0) this.#exports.x_release(phones);
    return phones !== 0;
  }

  /**
   * @param pronunciations phones with blanks between them, the most usual first
   * @param update makes the running search know it; needed once, after the last of several
   */
  addWord(word: string, pronunciations: readonly string[], update: boolean): void {
    pronunciations.forEach((phones, index) => {
      const name = index === 0 ? word : `${word}(${index + 1})`;
      const isLast = index === pronunciations.length - 1;
      this.#withText(
        (text, sounds) => this.#exports.x_add_word(this.#handle, text, sounds, update && isLast ? 1 : 0),
        name,
        phones,
      );
    });
    this.#words.add(word);
  }

  /** Call between utterances only. Adds the samples' cepstra to `sums`, which has CEPSTRA numbers; returns how many frames. */
  measure(samples: Int16Array, sums: Float64Array): number {
    const audio = this.#exports.x_alloc(samples.length * 2);
    const out = this.#exports.x_alloc(CEPSTRA * 4);
    const { buffer } = this.#exports.memory;
    new Int16Array(buffer, audio, samples.length).set(samples);
    new Float32Array(buffer, out, CEPSTRA).fill(0);
    const frames = this.#exports.x_measure(this.#handle, audio, samples.length, out);
    new Float32Array(this.#exports.memory.buffer, out, CEPSTRA).forEach((value, index) => {
      sums[index] = (sums[index] ?? 0) + value;
    });
    this.#exports.x_release(audio);
    this.#exports.x_release(out);
    return frames;
  }

  /** Sets the means that the next utterance is normalised by. */
  setMeans(means: Float64Array): void {
    const text = Array.from(means, (mean) => mean.toFixed(2)).join(',');
    this.#withText((list) => this.#exports.x_set_means(this.#handle, list), text);
  }

  #check(result: number, what: string): void {
    if (result < 0) throw new Error(`PocketSphinx could not ${what}`);
  }

  #withText<Result>(use: (...addresses: [number, number]) => Result, ...texts: readonly [string, string?]): Result {
    const addresses = texts.map((text = '') => {
      const bytes = encoder.encode(`${text}\0`);
      const address = this.#exports.x_alloc(bytes.length);
      new Uint8Array(this.#exports.memory.buffer, address, bytes.length).set(bytes);
      return address;
    });
    try {
      return use(addresses[0] ?? 0, addresses[1] ?? 0);
    } finally {
      for (const address of addresses) this.#exports.x_release(address);
    }
  }

  #textAt(address: number): string {
    const bytes = new Uint8Array(this.#exports.memory.buffer, address);
    return decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
  }
}
