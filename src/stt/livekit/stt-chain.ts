// The chain as LiveKit's STT class.
import { inference, stt, type VAD, VADEventType, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import type { SpeechExpectation } from '../../config/expectation.ts';
import { distinct, Failover, type FailoverOptions } from '../../failover/failover.ts';
import { boardOf } from '../../health/memory-board.ts';
import { type ChainedSttSession, openSttChain, type SttChainExtras } from '../chain/chain.ts';
import type { ChainedSttPart } from '../chain/transcript.ts';
import type { ActivityDetector, ActivityEvents } from '../chain/voice-activity.ts';
import type { SttLink } from '../contract.ts';
import { NO_RETRIES, sttLinkFromPlugin } from './plugin-link.ts';

export interface SttChainOptions extends FailoverOptions, Omit<SttChainExtras, 'openActivity'> {
  /** BCP 47; 'en-US' where absent. */
  readonly language?: string;
  readonly keyPhrases?: readonly string[];
  /** Voice activity for links that must be told when the caller speaks; where absent, one is made when needed. */
  readonly vad?: VAD;
}

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
      // Our own providers take key terms when a session opens.
      keyterms: plugins.length < links.length || plugins.some(({ capabilities }) => capabilities.keyterms),
      chatContext: plugins.some(({ capabilities }) => capabilities.chatContext),
    });
    this.#plugins = plugins;
    this.#options = options;
    this.#vad = options.vad;
    this.#failover = new Failover('stt', normalised, {
      ...options,
      board: boardOf(options),
      onFailure: (stage, provider, error) => {
        options.onFailure?.(stage, provider, error);
        // An `error` event without a listener would end the process.
        if (this.listenerCount('error') === 0) return;
        this.emit('error', { type: 'stt_error', timestamp: Date.now(), label: this.label, error, recoverable: true });
      },
    });
  }

  /** Id of the link that serves now, or that would serve. */
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
      await Promise.all([this.#forward(), this.#deliver()]);
    } finally {
      this.#finish();
    }
  }

  async #forward(): Promise<void> {
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
