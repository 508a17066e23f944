// Any LiveKit STT plugin as a link of a chain.
import { stt } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { AsyncQueue } from '../../audio/async-queue.ts';
import { serverError } from '../../failover/provider-error.ts';
import type { SttClient, SttLink, SttOpenOptions, SttPart, SttSession, SttWord } from '../contract.ts';
import { type HeardUtterance, ONE_REQUEST, type Utterance, UtteranceSession } from '../utterances.ts';

/** Turns off LiveKit's retries: only the chain retries. */
export const NO_RETRIES = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 };

/**
 * Wraps any LiveKit STT plugin as a link of a chain. Errors that the plugin emits or throws become ProviderErrors of the
 * session. A plugin that does not stream gets whole utterances.
 */
export function sttLinkFromPlugin(plugin: stt.STT): SttLink {
  // An `error` event without a listener would end the process.
  plugin.on('error', () => undefined);
  const { streaming, interimResults, alignedTranscript } = plugin.capabilities;
  const client: SttClient = {
    open: (options) => (streaming ? new PluginSession(plugin, options) : utterancesOf(plugin, options)),
    close: () => plugin.close(),
  };
  return {
    id: plugin.label,
    traits: {
      languages: 'any',
      sampleRateHz: PLUGIN_SAMPLE_RATE_HZ,
      interimResults: streaming && interimResults,
      wordTimes: alignedTranscript === 'word',
      needsVoiceActivity: !streaming,
      clockLags: streaming,
      ...(streaming ? SLOW_INTERIMS : { deadlines: ONE_REQUEST }),
    },
    client,
  };
}

/** Sample rate of the audio that a plugin gets; it resamples to the rate of its vendor. */
const PLUGIN_SAMPLE_RATE_HZ = 16_000;
/** Of the official plugins Deepgram's sends interims least often: once a second, up to half a second late. */
const SLOW_INTERIMS = { typicalFirstMs: 600, deadlines: { stallHelpMs: 1_400 } } as const;

class PluginSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #stream: stt.SpeechStream;
  readonly #label: string;
  #open = true;
  #hasEnded = false;

  constructor(plugin: stt.STT, options: SttOpenOptions) {
    const { signal, onOpen } = options;
    this.#label = plugin.label;
    this.#stream = plugin.stream({ connOptions: NO_RETRIES });
    let last: unknown = new Error(`${plugin.label}: ended before the audio did`);
    const onError = (event: { error: Error; recoverable: boolean }) => {
      last = event.error;
      // The plugin emits errors of its other streams here too.
      if (!event.recoverable && this.#stream._failed !== false) this.#fail(event.error);
    };
    plugin.on('error', onError);
    const close = () => {
      this.#open = false;
      this.parts.end();
      this.#stream.close();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
    void this.#read(() => last).finally(() => {
      this.#open = false;
      plugin.off('error', onError);
      signal.removeEventListener('abort', close);
    });
    // A plugin does not report when its connection opens: only its words show that.
    queueMicrotask(() => {
      if (this.#open) onOpen?.();
    });
  }

  write(samples: Int16Array): void {
    // slice(): a frame over a view of a larger buffer would send that buffer's beginning.
    this.#try((stream) => stream.pushFrame(new AudioFrame(samples.slice(), PLUGIN_SAMPLE_RATE_HZ, 1, samples.length)));
  }

  flush(): void {
    this.#try((stream) => stream.flush());
  }

  end(): void {
    this.#try((stream) => stream.endInput());
    this.#hasEnded = true;
    this.#open = false;
  }

  /** Catches errors: a stream that closed by itself throws on every call. */
  #try(run: (stream: stt.SpeechStream) => void): void {
    if (!this.#open) return;
    try {
      run(this.#stream);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#open = false;
    this.parts.fail(serverError(this.#label, error));
  }

  async #read(lastError: () => unknown): Promise<void> {
    try {
      for await (const event of this.#stream) {
        const part = fromSpeechEvent(event);
        if (part) this.parts.push(part);
      }
      if (this.#hasEnded) this.parts.end();
      else this.#fail(lastError());
    } catch (error) {
      this.#fail(error);
    }
  }
}

function utterancesOf(plugin: stt.STT, options: SttOpenOptions): SttSession {
  return new UtteranceSession({
    ...options,
    provider: plugin.label,
    sampleRateHz: PLUGIN_SAMPLE_RATE_HZ,
    recognise: (utterance) => recogniseByPlugin(plugin, utterance),
  });
}

async function recogniseByPlugin(
  plugin: stt.STT,
  { samples, sampleRateHz, signal }: Utterance,
): Promise<HeardUtterance> {
  try {
    const event = await plugin.recognize(new AudioFrame(samples, sampleRateHz, 1, samples.length), signal);
    const data = event.alternatives?.[0];
    return { text: data?.text ?? '', confidence: data?.confidence ?? 1, words: data ? wordsOf(data) : [] };
  } catch (error) {
    throw serverError(plugin.label, error);
  }
}

function fromSpeechEvent(event: stt.SpeechEvent): SttPart | undefined {
  if (event.type === stt.SpeechEventType.START_OF_SPEECH) return { type: 'speech-start', atMs: 0 };
  if (event.type === stt.SpeechEventType.END_OF_SPEECH) return { type: 'speech-end', atMs: 0 };
  const data = event.alternatives?.[0];
  const type = { [stt.SpeechEventType.INTERIM_TRANSCRIPT]: 'interim', [stt.SpeechEventType.FINAL_TRANSCRIPT]: 'final' }[
    event.type as stt.SpeechEventType.INTERIM_TRANSCRIPT | stt.SpeechEventType.FINAL_TRANSCRIPT
  ] as 'interim' | 'final' | undefined;
  if (!data || !type) return undefined;
  return {
    type,
    text: data.text,
    startMs: data.startTime * 1000,
    endMs: data.endTime * 1000,
    confidence: data.confidence,
    language: data.language,
    words: wordsOf(data),
  };
}

function wordsOf({ words = [] }: stt.SpeechData): SttWord[] {
  return words.flatMap(({ text, startTime, endTime }) =>
    startTime === undefined || endTime === undefined
      ? []
      : [{ text, startMs: startTime * 1000, endMs: endTime * 1000 }],
  );
}
