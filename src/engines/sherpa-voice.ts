// A Piper or Kokoro voice in a directory of the user's, through sherpa-onnx-node where that package is installed.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/user-error.ts';
import { importSherpa } from './sherpa-package.ts';

/** The part of sherpa-onnx-node 1.13 that is used; samples lie between -1 and 1. */
interface SherpaOnnx {
  readonly OfflineTts: { createAsync(config: object): Promise<OfflineTts> };
  readonly LinearResampler: new (fromHz: number, toHz: number) => { flush(samples: Float32Array): Float32Array };
}
interface OfflineTts {
  generateAsync(request: { text: string; sid: number; speed: number; enableExternalBuffer: boolean }): Promise<{
    samples: Float32Array;
    sampleRate: number;
  }>;
}

export class SherpaVoice {
  readonly #directory: string;
  readonly #sampleRateHz: number;
  #loaded: Promise<{ sherpa: SherpaOnnx; tts: OfflineTts }> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(directory: string, sampleRateHz: number) {
    this.#directory = directory;
    this.#sampleRateHz = sampleRateHz;
  }

  /** @throws UserError naming the file or package that is missing, or the model that can't be loaded */
  async load(): Promise<void> {
    await this.#load();
  }

  /**
   * Mono PCM16 at the rate given to the constructor; texts are spoken one at a time.
   * @throws the signal's reason once it aborts, and what `load` throws
   */
  async synthesize(text: string, speaker: number, signal: AbortSignal): Promise<Int16Array> {
    const before = this.#last;
    const spoken = (async () => {
      await before.catch(() => undefined);
      signal.throwIfAborted();
      if (this.#closed) throw new Error('the voice was closed');
      const { sherpa, tts } = await this.#load();
      const { samples, sampleRate } = await tts.generateAsync({
        text,
        sid: speaker,
        speed: 1,
        // V8's memory cage refuses buffers that live outside it.
        enableExternalBuffer: false,
      });
      signal.throwIfAborted();
      const resampled =
        sampleRate === this.#sampleRateHz
          ? samples
          : new sherpa.LinearResampler(sampleRate, this.#sampleRateHz).flush(samples);
      return Int16Array.from(resampled, (value) => Math.max(-1, Math.min(1, value)) * 32_767);
    })();
    this.#last = spoken.catch(() => undefined);
    return spoken;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#loaded = undefined;
    await this.#last;
  }

  #load() {
    this.#loaded ??= loadVoice(this.#directory).catch((error) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }
}

async function loadVoice(directory: string): Promise<{ sherpa: SherpaOnnx; tts: OfflineTts }> {
  const model = describeVoice(directory);
  const sherpa = await importSherpa<SherpaOnnx>('FREE_TTS_MODEL_DIR');
  try {
    const tts = await sherpa.OfflineTts.createAsync({
      model: { ...model, numThreads: 1, debug: false, provider: 'cpu' },
      maxNumSentences: 1,
    });
    return { sherpa, tts };
  } catch (cause) {
    throw new UserError(
      `FREE_TTS_MODEL_DIR: the voice in ${directory} cannot be loaded: ${(cause as Error).message}`,
      'use a Piper or Kokoro voice as published for sherpa-onnx, or unset FREE_TTS_MODEL_DIR',
      { cause },
    );
  }
}

/** A directory with `voices.bin` holds a Kokoro voice, any other a Piper voice. */
function describeVoice(directory: string): object {
  const names = listFiles(directory);
  const need = (name: string | undefined, expected: string): string => {
    if (name !== undefined && names.includes(name)) return join(directory, name);
    throw new UserError(
      `FREE_TTS_MODEL_DIR: ${expected} is missing in ${directory}`,
      'unpack a whole Piper or Kokoro voice as published for sherpa-onnx there, or unset FREE_TTS_MODEL_DIR',
    );
  };
  const onnx = ['model.onnx', 'model.int8.onnx'].find((name) => names.includes(name));
  const files = {
    model: need(onnx ?? names.find((name) => name.endsWith('.onnx')), 'the model (a file ending in .onnx)'),
    tokens: need('tokens.txt', 'tokens.txt'),
    dataDir: need('espeak-ng-data', 'the directory espeak-ng-data'),
  };
  if (!names.includes('voices.bin')) return { vits: files };
  const lexicon = names.includes('lexicon-us-en.txt') && { lexicon: join(directory, 'lexicon-us-en.txt') };
  return { kokoro: { ...files, voices: join(directory, 'voices.bin'), ...lexicon } };
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    throw new UserError(
      `FREE_TTS_MODEL_DIR: cannot read the directory ${directory}: ${(cause as NodeJS.ErrnoException).code}`,
      'give the directory that holds a Piper or Kokoro voice, or unset FREE_TTS_MODEL_DIR',
      { cause },
    );
  }
}
