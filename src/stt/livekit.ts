// Both bridges to LiveKit: our chain as its STT class, and any of its STT plugins as a link.
import { inference, stt, type VAD, VADEventType, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { AsyncQueue } from '../audio/async-queue.ts';
import type { SpeechExpectation } from '../config/expectation.ts';
import { distinct, Failover, type FailoverOptions } from '../failover/failover.ts';
import { serverError } from '../failover/provider-error.ts';
import { type ChainedSttSession, openSttChain, type SttChainExtras, type SttLink } from './chain.ts';
import type { SttClient, SttOpenOptions, SttPart, SttSession, SttWord } from './contract.ts';
import type { ChainedSttPart } from './transcript.ts';
import { type HeardUtterance, type Utterance, UtteranceSession } from './utterances.ts';
import type { ActivityDetector, ActivityEvents } from './voice-activity.ts';

export interface SttChainOptions extends FailoverOptions, Omit<SttChainExtras, 'openActivity'> {
  /** BCP 47; 'en-US' where absent. */
  readonly language?: string;
  readonly keyPhrases?: readonly string[];
  /** Used for links that must be told when the caller speaks; one is made when needed where absent. */
  readonly vad?: VAD;
}

/** Ours are the only retries. */
const NO_RETRIES = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 };

/** A LiveKit STT over an array of links: LiveKit plugins or our own providers. */
export class SttChain extends stt.STT {
  override label = 'bulletproof.SttChain';
  readonly #failover: Failover<SttLink>;
  readonly #options: SttChainOptions;
  readonly #plugins: readonly stt.STT[];
  readonly #streams = new Set<ChainStream>();
  #keyterms: readonly string[] = [];
  #vad: VAD | undefined;

  /** @throws RangeError when `links` is empty */
  constructor(links: readonly (SttLink | stt.STT)[], options: SttChainOptions = {}) {
    const normalised = distinct(links.map((link) => (link instanceof stt.STT ? sttLinkFromPlugin(link) : link)));
    const plugins = links.filter((link) => link instanceof stt.STT);
    const first = normalised[0];
    if (!first) throw new RangeError('SttChain needs at least one link');
    super({
      streaming: true,
      interimResults: normalised.some(({ traits }) => traits.interimResults),
      alignedTranscript: first.traits.wordTimes ? 'word' : false,
      // Links of our own take them when they are opened.
      keyterms: plugins.length < links.length || plugins.some(({ capabilities }) => capabilities.keyterms),
      chatContext: plugins.some(({ capabilities }) => capabilities.chatContext),
    });
    this.#plugins = plugins;
    this.#options = options;
    this.#vad = options.vad;
    this.#failover = new Failover('stt', normalised, {
      ...options,
      onFailure: (stage, provider, error) => {
        options.onFailure?.(stage, provider, error);
        // An `error` event that nobody hears would end the process.
        if (this.listenerCount('error') === 0) return;
        this.emit('error', { type: 'stt_error', timestamp: Date.now(), label: this.label, error, recoverable: true });
      },
    });
  }

  /** Who serves now, or would. */
  override get provider(): string {
    for (const { serving } of this.#streams) if (serving) return serving;
    return this.#failover.active.id;
  }

  /** What the agent expects to hear from now on. */
  expect(expectation: SpeechExpectation): void {
    for (const stream of this.#streams) stream.expect(expectation);
  }

  override _updateSessionKeyterms(keyterms: string[]): void {
    this.#keyterms = keyterms;
    for (const plugin of this.#plugins) if (plugin.capabilities.keyterms) plugin._updateSessionKeyterms(keyterms);
  }

  override _pushConversationItem(item: Parameters<stt.STT['_pushConversationItem']>[0]): void {
    for (const plugin of this.#plugins) if (plugin.capabilities.chatContext) plugin._pushConversationItem(item);
  }

  override stream(): stt.SpeechStream {
    const { language = 'en-US', keyPhrases = [] } = this.#options;
    const open = (signal: AbortSignal) =>
      openSttChain(
        this.#failover,
        { language, keyPhrases: [...new Set([...keyPhrases, ...this.#keyterms])], signal },
        { ...this.#options, openActivity: (rateHz, events) => new VadActivity(this.#activity(), rateHz, events) },
      );
    const stream = new ChainStream(this, (this.#failover.links[0] as SttLink).traits.sampleRateHz, open);
    this.#streams.add(stream);
    void stream.finished.then(() => this.#streams.delete(stream));
    return stream;
  }

  protected override async _recognize(
    buffer: AudioFrame | AudioFrame[],
    signal?: AbortSignal,
  ): Promise<stt.SpeechEvent> {
    const stream = this.stream();
    signal?.addEventListener('abort', () => stream.close(), { once: true });
    for (const frame of Array.isArray(buffer) ? buffer : [buffer]) stream.pushFrame(frame);
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

  #activity(): VAD {
    this.#vad ??= new inference.VAD();
    return this.#vad;
  }
}

class ChainStream extends stt.SpeechStream {
  override label = 'bulletproof.SttChainStream';
  readonly #session: ChainedSttSession;
  readonly finished: Promise<void>;
  #finish: () => void = () => undefined;

  constructor(owner: SttChain, sampleRateHz: number, open: (signal: AbortSignal) => ChainedSttSession) {
    super(owner, sampleRateHz, NO_RETRIES);
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#session = open(this.abortSignal);
  }

  get serving(): string | undefined {
    return this.#session.serving;
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
    for await (const frame of this.input) {
      if (frame === stt.SpeechStream.FLUSH_SENTINEL) this.#session.flush();
      else this.#session.write((frame as AudioFrame).data);
    }
    this.#session.end();
  }

  async #deliver(): Promise<void> {
    for await (const part of this.#session.parts) {
      if (this.queue.closed) return;
      this.queue.put(toSpeechEvent(part, this.startTimeOffset));
    }
  }
}

function toSpeechEvent(part: ChainedSttPart, offsetSeconds: number): stt.SpeechEvent {
  if (!('text' in part)) {
    const { START_OF_SPEECH, END_OF_SPEECH } = stt.SpeechEventType;
    return { type: part.type === 'speech-start' ? START_OF_SPEECH : END_OF_SPEECH };
  }
  const { INTERIM_TRANSCRIPT, FINAL_TRANSCRIPT } = stt.SpeechEventType;
  const toSeconds = (ms: number) => ms / 1000 + offsetSeconds;
  const words = part.words.map(({ text, startMs, endMs }) =>
    voice.createTimedString({ text, startTime: toSeconds(startMs), endTime: toSeconds(endMs) }),
  );
  return {
    type: part.type === 'final' ? FINAL_TRANSCRIPT : INTERIM_TRANSCRIPT,
    alternatives: [
      {
        text: part.text,
        language: part.language as stt.SpeechData['language'],
        startTime: toSeconds(part.startMs),
        endTime: toSeconds(part.endMs),
        confidence: part.confidence,
        ...(words.length > 0 && { words }),
        metadata: { provider: part.provider },
      },
    ],
  };
}

/** LiveKit's voice activity for one session. */
class VadActivity implements ActivityDetector {
  readonly #stream: ReturnType<VAD['stream']>;
  readonly #sampleRateHz: number;
  readonly #done: Promise<void>;
  #isClosed = false;

  constructor(vad: VAD, sampleRateHz: number, events: ActivityEvents) {
    this.#stream = vad.stream();
    this.#sampleRateHz = sampleRateHz;
    this.#done = this.#follow(events).catch(() => {
      if (!this.#isClosed) events.onBroken();
    });
  }

  write(samples: Int16Array): void {
    // slice(): a frame over a view of a larger buffer would hold that buffer's beginning.
    this.#stream.pushFrame(new AudioFrame(samples.slice(), this.#sampleRateHz, 1, samples.length));
  }

  end(): Promise<void> {
    this.#stream.endInput();
    return this.#done;
  }

  close(): void {
    this.#isClosed = true;
    this.#stream.close();
  }

  async #follow({ onProcessed, onSpeech }: ActivityEvents): Promise<void> {
    let processed = 0;
    for await (const event of this.#stream) {
      if (event.type === VADEventType.INFERENCE_DONE) {
        for (const { samplesPerChannel } of event.frames) processed += samplesPerChannel;
        onProcessed(processed);
      } else if (event.type === VADEventType.START_OF_SPEECH) onSpeech(true);
      else if (event.type === VADEventType.END_OF_SPEECH) onSpeech(false);
    }
  }
}

/**
 * Any LiveKit STT plugin as a link of a chain. Its errors, emitted or thrown, become ProviderErrors of the session. One that
 * does not stream gets whole utterances.
 */
export function sttLinkFromPlugin(plugin: stt.STT): SttLink {
  // An `error` event that nobody hears would end the process.
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
      ...(!streaming && { deadlines: { firstMs: UTTERANCE_FIRST_MS } }),
    },
    client,
  };
}

/** What the chain hands to a plugin, which resamples to what its vendor wants. */
const PLUGIN_SAMPLE_RATE_HZ = 16_000;
/** Spec of this project: STT (one request). */
const UTTERANCE_FIRST_MS = 2_500;

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
      // Others of its streams tell their errors here too.
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
    // A plugin does not tell when its connection stands: its words must show it.
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

  /** A stream that closed by itself throws. */
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
