// A streaming zipformer or a Whisper model in a directory of the user's, through sherpa-onnx-node where that is installed.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SpeechExpectation } from '../config/expectation.ts';
import { UserError } from '../config/user-error.ts';
import { POCKETSPHINX_SAMPLE_RATE_HZ as SAMPLE_RATE_HZ } from './pocketsphinx/format.ts';
import { PocketSphinxFailure, type Utterance, type UtteranceEvents } from './pocketsphinx/pocketsphinx-client.ts';
import { importSherpa } from './sherpa-package.ts';

/** The part of sherpa-onnx-node 1.13 that is used; samples lie between -1 and 1. */
interface Stream {
  acceptWaveform(audio: { samples: Float32Array; sampleRate: number }): void;
  inputFinished?(): void;
}
interface Model {
  createStream(): Stream;
  isReady?(stream: Stream): boolean;
  decode(stream: Stream): void;
  getResult(stream: Stream): { text: string };
}
interface SherpaOnnx {
  readonly OnlineRecognizer: new (config: object) => Model;
  readonly OfflineRecognizer: new (config: object) => Model;
}

const UNSET = 'or unset FREE_STT_MODEL_DIR';

export class SherpaListener {
  readonly #directory: string;
  #loaded: Promise<Model> | undefined;
  #nextCaller = 1;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws UserError naming the file or package that is missing, or the model that can't be loaded */
  async warm(): Promise<void> {
    await this.#load();
  }

  newCaller(): number {
    return this.#nextCaller++;
  }

  forget(): void {}

  addKeyPhrases(): void {}

  begin(_caller: number, _expectation: SpeechExpectation, events: UtteranceEvents): Utterance {
    let isOver = false;
    let work = this.#load().then((model) => ({ model, stream: model.createStream() }));
    const then = (step: (model: Model, stream: Stream) => void) => {
      work = work.then((both) => {
        if (!isOver) step(both.model, both.stream);
        return both;
      });
      work.catch((cause) => {
        if (!isOver) events.onFailure(new PocketSphinxFailure(String((cause as Error).message), false, { cause }));
        isOver = true;
      });
    };
    const heard = (model: Model, stream: Stream) => ({
      text: model.getResult(stream).text.trim(),
      confidence: 1,
      words: [],
    });
    let lastText = '';
    return {
      write: (samples) => {
        const floats = Float32Array.from(samples, (sample) => sample / 32_768);
        then((model, stream) => {
          stream.acceptWaveform({ samples: floats, sampleRate: SAMPLE_RATE_HZ });
          if (!model.isReady) return;
          while (model.isReady(stream)) model.decode(stream);
          const result = heard(model, stream);
          if (result.text !== '' && result.text !== lastText) events.onInterim(result);
          lastText = result.text;
        });
      },
      end: () =>
        then((model, stream) => {
          stream.inputFinished?.();
          if (model.isReady) while (model.isReady(stream)) model.decode(stream);
          else model.decode(stream);
          isOver = true;
          events.onFinal(heard(model, stream));
        }),
      drop: () => {
        isOver = true;
      },
    };
  }

  async close(): Promise<void> {
    this.#loaded = undefined;
  }

  #load(): Promise<Model> {
    this.#loaded ??= loadModel(this.#directory).catch((error) => {
      this.#loaded = undefined;
      throw error;
    });
    return this.#loaded;
  }
}

async function loadModel(directory: string): Promise<Model> {
  const { isStreaming, modelConfig } = describeModel(directory);
  const sherpa = await importSherpa<SherpaOnnx>('FREE_STT_MODEL_DIR');
  try {
    const config = {
      featConfig: { sampleRate: SAMPLE_RATE_HZ, featureDim: 80 },
      modelConfig: { ...modelConfig, numThreads: 1, provider: 'cpu', debug: 0 },
    };
    return isStreaming ? new sherpa.OnlineRecognizer(config) : new sherpa.OfflineRecognizer(config);
  } catch (cause) {
    throw new UserError(
      `FREE_STT_MODEL_DIR: the model in ${directory} cannot be loaded: ${(cause as Error).message}`,
      `use a streaming zipformer or Whisper model as published for sherpa-onnx, ${UNSET}`,
      { cause },
    );
  }
}

/** A model with a joiner file is a streaming zipformer, any other is Whisper. */
function describeModel(directory: string): { isStreaming: boolean; modelConfig: object } {
  const names = listFiles(directory);
  const need = (part: string): string => {
    const found = names.filter((name) => name.includes(part) && /\.(?:onnx|txt)$/.test(name)).sort();
    // The quantised form is four times smaller, and as good for speech.
    const best = found.find((name) => name.includes('int8')) ?? found[0];
    if (best) return join(directory, best);
    throw new UserError(
      `FREE_STT_MODEL_DIR: the ${part} (a file with "${part}" in its name) is missing in ${directory}`,
      `unpack a whole streaming zipformer or Whisper model as published for sherpa-onnx there, ${UNSET}`,
    );
  };
  const both = { encoder: need('encoder'), decoder: need('decoder') };
  const tokens = need('tokens');
  if (!names.some((name) => name.includes('joiner'))) {
    return { isStreaming: false, modelConfig: { whisper: { ...both, language: 'en', task: 'transcribe' }, tokens } };
  }
  return { isStreaming: true, modelConfig: { transducer: { ...both, joiner: need('joiner') }, tokens } };
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    throw new UserError(
      `FREE_STT_MODEL_DIR: cannot read the directory ${directory}: ${(cause as NodeJS.ErrnoException).code}`,
      `give the directory that holds a streaming zipformer or Whisper model, ${UNSET}`,
      { cause },
    );
  }
}
