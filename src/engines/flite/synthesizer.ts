// Text to PCM16 with Flite, compiled to WebAssembly. Synchronous: use it in a worker thread.
import { createWasi, type Wasi } from '../wasi.ts';
import { firstWritableAddress } from './writable-memory.ts';

/** The voices of the package that speak at 16 kHz; `slt` is female, the others are male. */
export const FLITE_VOICES = ['rms', 'slt', 'awb', 'kal16'] as const;
export const FLITE_SAMPLE_RATE_HZ = 16_000;

const OUTPUT = 'o.wav';
const WAV_RATE_OFFSET = 24;
const WAV_HEADER_BYTES = 44;

interface Program {
  readonly instance: WebAssembly.Instance;
  readonly memory: WebAssembly.Memory;
  readonly wasi: Wasi;
  /** The command line; changed for each run. */
  readonly args: string[];
  /** The writable memory as it was before the first run. */
  readonly pristine: Uint8Array;
}

/**
 * Flite is a command-line program, and an instance of it serves one run. A new instance takes 15 to 30 ms, so the
 * variables are restored instead, in less than 1 ms. After a run that fails the instance is discarded.
 */
export class FliteSynthesizer {
  readonly #module: WebAssembly.Module;
  readonly #writableFrom: number;
  #program: Program | undefined;

  /** @throws WebAssembly.CompileError when it isn't Flite's module */
  constructor(wasm: Uint8Array) {
    this.#module = new WebAssembly.Module(wasm);
    this.#writableFrom = firstWritableAddress(wasm);
  }

  /**
   * Call `reset()` before the next call.
   * @param voice one of FLITE_VOICES; Flite itself would take any other for its 8 kHz voice
   * @returns mono PCM16 at FLITE_SAMPLE_RATE_HZ, with Flite's own silence on both sides
   * @throws an error with what Flite printed, or its trap
   */
  synthesize(text: string, voice: string): Int16Array {
    const program = this.#program ?? this.#start();
    // The program is not kept while it runs: after a failure its memory can't be trusted.
    this.#program = undefined;
    program.args.splice(0, program.args.length, 'flite', '-voice', voice, '-t', text, '-o', OUTPUT);
    const start = program.instance.exports._start as () => void;
    start();
    const wav = program.wasi.written[OUTPUT];
    if (!wav || wav.length < WAV_HEADER_BYTES) throw new Error(`Flite gave no audio: ${program.wasi.printed.trim()}`);
    const samples = samplesOf(wav);
    this.#program = program;
    return samples;
  }

  /** Restores the program's memory for the next run. */
  reset(): void {
    if (!this.#program) return;
    const { memory, pristine } = this.#program;
    const writable = new Uint8Array(memory.buffer, this.#writableFrom);
    writable.set(pristine);
    writable.fill(0, pristine.length);
  }

  #start(): Program {
    const args: string[] = [];
    const wasi = createWasi({ files: {}, args });
    const instance = new WebAssembly.Instance(this.#module, wasi.imports);
    wasi.bind(instance);
    const memory = instance.exports.memory as WebAssembly.Memory;
    return { instance, memory, wasi, args, pristine: new Uint8Array(memory.buffer, this.#writableFrom).slice() };
  }
}

function samplesOf(wav: Uint8Array): Int16Array {
  const rateHz = new DataView(wav.buffer, wav.byteOffset).getUint32(WAV_RATE_OFFSET, true);
  if (rateHz !== FLITE_SAMPLE_RATE_HZ) {
    throw new Error(`Flite spoke at ${rateHz} Hz instead of ${FLITE_SAMPLE_RATE_HZ}: no such voice`);
  }
  return new Int16Array(wav.slice(WAV_HEADER_BYTES, wav.length & ~1).buffer);
}
