// LiveKit stages that fail, and one that speaks whole sentences only.
import { llm, stt, tts } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { speakTones } from '../../../fixtures/tones.ts';
import { InstantLlm, InstantStt } from '../../support/instant-providers.ts';

const NO_RETRIES = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 };
const RATE_HZ = 16_000;

const broken = () => Promise.reject(new Error('broken on command'));

export class BrokenLlm extends llm.LLM {
  override label(): string {
    return 'broken.LLM';
  }

  override chat({ chatCtx }: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    return new BrokenLlmStream(this, { chatCtx, connOptions: NO_RETRIES });
  }
}

class BrokenLlmStream extends llm.LLMStream {
  protected override run(): Promise<void> {
    return broken();
  }
}

/** Its first reply never comes, the others do at once. */
export class LateLlm extends InstantLlm {
  readonly asked: (string | undefined)[] = [];

  override chat(options: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    const last = options.chatCtx.items.at(-1);
    this.asked.push(last?.type === 'message' ? last.textContent : undefined);
    if (this.asked.length > 1) return super.chat(options);
    return new SilentLlmStream(this, { chatCtx: options.chatCtx, connOptions: NO_RETRIES });
  }
}

class SilentLlmStream extends llm.LLMStream {
  protected override run(): Promise<void> {
    return new Promise((resolve) => this.abortController.signal.addEventListener('abort', () => resolve()));
  }
}

export class BrokenTts extends tts.TTS {
  override label = 'broken.TTS';

  constructor(streaming: boolean) {
    super(RATE_HZ, 1, { streaming });
  }

  override stream(): tts.SynthesizeStream {
    return new BrokenTtsStream(this, NO_RETRIES);
  }

  override synthesize(text: string, _: unknown, signal?: AbortSignal): tts.ChunkedStream {
    return new BrokenChunkedStream(text, this, NO_RETRIES, signal);
  }
}

class BrokenTtsStream extends tts.SynthesizeStream {
  override label = 'broken.TTSStream';

  protected override run(): Promise<void> {
    return broken();
  }
}

class BrokenChunkedStream extends tts.ChunkedStream {
  override label = 'broken.ChunkedStream';

  protected override run(): Promise<void> {
    return broken();
  }
}

/** Its first stream fails at once. */
export class BrokenStt extends InstantStt {
  #streams = 0;

  override stream(): stt.SpeechStream {
    this.#streams += 1;
    return this.#streams === 1 ? new BrokenSttStream(this, RATE_HZ, NO_RETRIES) : super.stream();
  }
}

class BrokenSttStream extends stt.SpeechStream {
  override label = 'broken.STTStream';

  protected override run(): Promise<void> {
    return broken();
  }
}

/** Does not stream: each text that it gets is told, and its words w0, w1, … are tones. */
export class SentenceTts extends tts.TTS {
  override label = 'sentence.TTS';
  readonly #onText: (text: string) => void;

  constructor(onText: (text: string) => void) {
    super(RATE_HZ, 1, { streaming: false });
    this.#onText = onText;
  }

  override stream(): tts.SynthesizeStream {
    throw new Error('whole sentences only');
  }

  override synthesize(text: string, _: unknown, signal?: AbortSignal): tts.ChunkedStream {
    this.#onText(text);
    return new SentenceStream(text, this, NO_RETRIES, signal);
  }
}

class SentenceStream extends tts.ChunkedStream {
  override label = 'sentence.ChunkedStream';

  protected override async run(): Promise<void> {
    const words = [...this.inputText.matchAll(/w(\d+)/g)].map((match) => Number(match[1]));
    const samples = speakTones(words, RATE_HZ);
    const frame = new AudioFrame(samples, RATE_HZ, 1, samples.length);
    this.queue.put({ requestId: 'sentence', segmentId: 'sentence', frame, final: true });
  }
}
