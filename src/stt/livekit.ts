// Both bridges to LiveKit: our chain as its STT class, and any of its STT plugins as a link.
import { inference, stt, type VAD, VADEventType } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { AsyncQueue } from '../audio/async-queue.ts';
import type { SpeechExpectation } from '../config/expectation.ts';
import { serverError } from '../failover/provider-error.ts';
import { openSttChain, type SttChainEvents, type SttLink } from './chain.ts';
import type { SttClient, SttOpenOptions, SttPart, SttSession } from './contract.ts';

export interface SttChainOptions extends SttChainEvents {
  /** BCP 47; 'en-US' where absent. */
  readonly language?: string;
  readonly keyPhrases?: readonly string[];
  /** Used for links that must be told when the caller speaks; one is made when needed where absent. */
  readonly vad?: VAD;
}

/** A LiveKit STT over an array of links: LiveKit plugins or our own providers. */
export class SttChain extends stt.STT {
  override label = 'bulletproof.SttChain';
  readonly #links: readonly SttLink[];
  readonly #options: SttChainOptions;
  readonly #streams = new Set<ChainStream>();

  /** @throws RangeError when `links` is empty */
  constructor(links: readonly (SttLink | stt.STT)[], options: SttChainOptions = {}) {
    const normalised = links.map((link) => (link instanceof stt.STT ? sttLinkFromPlugin(link) : link));
    const first = normalised[0];
    if (!first) throw new RangeError('SttChain needs at least one link');
    super({
      streaming: true,
      interimResults: first.traits.interimResults,
      alignedTranscript: first.traits.wordTimes ? 'word' : false,
    });
    this.#links = normalised;
    this.#options = options;
  }

  override get provider(): string {
    return this.#links[0]?.id ?? 'none';
  }

  /** What the agent expects to hear from now on. */
  expect(expectation: SpeechExpectation): void {
    for (const stream of this.#streams) stream.expect(expectation);
  }

  override stream(): stt.SpeechStream {
    const link = this.#links[0] as SttLink;
    const vad = link.traits.needsVoiceActivity ? (this.#options.vad ?? new inference.VAD()) : undefined;
    const stream = new ChainStream(this, link, this.#links, this.#options, vad);
    this.#streams.add(stream);
    void stream.finished.then(() => this.#streams.delete(stream));
    return stream;
  }

  protected override async _recognize(
    buffer: AudioFrame | AudioFrame[],
    signal?: AbortSignal,
  ): Promise<stt.SpeechEvent> {
    const frames = Array.isArray(buffer) ? buffer : [buffer];
    const stream = this.stream();
    signal?.addEventListener('abort', () => stream.close(), { once: true });
    for (const frame of frames) stream.pushFrame(frame);
    stream.endInput();
    const texts: string[] = [];
    let last: stt.SpeechData | undefined;
    for await (const event of stream) {
      if (event.type !== stt.SpeechEventType.FINAL_TRANSCRIPT || !event.alternatives) continue;
      last = event.alternatives[0];
      texts.push(last.text);
    }
    const language = last?.language ?? (this.#options.language as stt.SpeechData['language']) ?? '';
    return {
      type: stt.SpeechEventType.FINAL_TRANSCRIPT,
      alternatives: [{ startTime: 0, endTime: 0, confidence: 0, ...last, language, text: texts.join(' ') }],
    };
  }
}

class ChainStream extends stt.SpeechStream {
  override label = 'bulletproof.SttChainStream';
  readonly #session: SttSession;
  readonly #vad: VAD | undefined;
  readonly finished: Promise<void>;
  #finish: () => void = () => undefined;

  constructor(
    owner: SttChain,
    link: SttLink,
    links: readonly SttLink[],
    options: SttChainOptions,
    vad: VAD | undefined,
  ) {
    // The chain opens sessions again by itself, so LiveKit's retries stay off.
    super(owner, link.traits.sampleRateHz, { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 });
    this.#vad = vad;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#session = openSttChain(
      links,
      { language: options.language ?? 'en-US', keyPhrases: options.keyPhrases, signal: this.abortSignal },
      options,
    );
  }

  expect(expectation: SpeechExpectation): void {
    this.#session.expect?.(expectation);
  }

  protected override async run(): Promise<void> {
    try {
      await Promise.all([this.#pump(), this.#deliver()]);
    } finally {
      this.#finish();
    }
  }

  async #pump(): Promise<void> {
    const activity = this.#vad?.stream();
    const listening = activity ? this.#follow(activity) : Promise.resolve();
    for await (const frame of this.input) {
      if (frame === stt.SpeechStream.FLUSH_SENTINEL) {
        this.#session.flush();
        continue;
      }
      const { data } = frame as AudioFrame;
      this.#session.write(data);
      activity?.pushFrame(frame as AudioFrame);
    }
    activity?.endInput();
    await listening;
    activity?.close();
    this.#session.end();
  }

  async #follow(activity: ReturnType<VAD['stream']>): Promise<void> {
    for await (const event of activity) {
      if (event.type === VADEventType.START_OF_SPEECH) this.#session.speech?.(true);
      else if (event.type === VADEventType.END_OF_SPEECH) this.#session.speech?.(false);
    }
  }

  async #deliver(): Promise<void> {
    for await (const part of this.#session.parts) {
      if (this.queue.closed) return;
      this.queue.put(toSpeechEvent(part, this.startTimeOffset));
    }
  }
}

function toSpeechEvent(part: SttPart, offsetSeconds: number): stt.SpeechEvent {
  switch (part.type) {
    case 'speech-start':
      return { type: stt.SpeechEventType.START_OF_SPEECH };
    case 'speech-end':
      return { type: stt.SpeechEventType.END_OF_SPEECH };
    default:
      return {
        type: part.type === 'final' ? stt.SpeechEventType.FINAL_TRANSCRIPT : stt.SpeechEventType.INTERIM_TRANSCRIPT,
        alternatives: [
          {
            text: part.text,
            language: part.language as stt.SpeechData['language'],
            startTime: part.startMs / 1000 + offsetSeconds,
            endTime: part.endMs / 1000 + offsetSeconds,
            confidence: part.confidence,
          },
        ],
      };
  }
}

/** Any LiveKit STT plugin as a link of a chain. Its errors, emitted or thrown, become ProviderErrors of the session. */
export function sttLinkFromPlugin(plugin: stt.STT): SttLink {
  const client: SttClient = {
    open: (options) => new PluginSession(plugin, options),
    close: () => plugin.close(),
  };
  return {
    id: plugin.label,
    traits: {
      languages: 'any',
      sampleRateHz: PLUGIN_SAMPLE_RATE_HZ,
      interimResults: plugin.capabilities.interimResults,
      wordTimes: plugin.capabilities.alignedTranscript === 'word',
      needsVoiceActivity: false,
    },
    client,
  };
}

/** What the chain hands to a plugin, which resamples to what its vendor wants. */
const PLUGIN_SAMPLE_RATE_HZ = 16_000;

class PluginSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #stream: stt.SpeechStream;
  #open = true;

  constructor(plugin: stt.STT, options: SttOpenOptions) {
    this.#stream = plugin.stream();
    const onError = (event: { error: Error; recoverable: boolean }) => {
      if (!event.recoverable) this.parts.fail(serverError(plugin.label, event.error));
    };
    plugin.on('error', onError);
    const close = () => {
      this.#open = false;
      this.#stream.close();
    };
    options.signal.addEventListener('abort', close, { once: true });
    void this.#read(plugin.label).finally(() => {
      this.#open = false;
      plugin.off('error', onError);
      options.signal.removeEventListener('abort', close);
    });
  }

  write(samples: Int16Array): void {
    // slice(): a frame over a view of a larger buffer would send that buffer's beginning.
    if (this.#open) this.#stream.pushFrame(new AudioFrame(samples.slice(), PLUGIN_SAMPLE_RATE_HZ, 1, samples.length));
  }

  flush(): void {
    if (this.#open) this.#stream.flush();
  }

  end(): void {
    if (this.#open) this.#stream.endInput();
    this.#open = false;
  }

  async #read(label: string): Promise<void> {
    try {
      for await (const event of this.#stream) {
        const part = fromSpeechEvent(event);
        if (part) this.parts.push(part);
      }
      this.parts.end();
    } catch (error) {
      this.parts.fail(serverError(label, error));
    }
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
    words: [],
  };
}
