// Both bridges to LiveKit: our chain as its TTS class, and any of its TTS plugins as a link.
import { tts, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { AsyncQueue } from '../audio/async-queue.ts';
import { serverError } from '../failover/provider-error.ts';
import { openTtsChain, type TtsLink } from './chain.ts';
import type { TtsClient, TtsOpenOptions, TtsPart, TtsSession } from './contract.ts';

export interface TtsChainOptions {
  /** BCP 47; 'en-US' where absent. */
  readonly language?: string;
}

/** LiveKit's own pace of frames. */
const FRAME_MS = 20;
const NO_RETRIES = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 };

/** A LiveKit TTS over an array of links: LiveKit plugins or our own providers. */
export class TtsChain extends tts.TTS {
  override label = 'bulletproof.TtsChain';
  readonly #links: readonly TtsLink[];
  readonly #language: string;

  /** @throws RangeError when `links` is empty */
  constructor(links: readonly (TtsLink | tts.TTS)[], options: TtsChainOptions = {}) {
    const normalised = links.map((link) => (link instanceof tts.TTS ? ttsLinkFromPlugin(link) : link));
    const first = normalised[0];
    if (!first) throw new RangeError('TtsChain needs at least one link');
    super(first.traits.sampleRateHz, 1, { streaming: true, alignedTranscript: first.traits.wordTimes !== 'none' });
    this.#links = normalised;
    this.#language = options.language ?? 'en-US';
  }

  override get provider(): string {
    return this.#links[0]?.id ?? 'none';
  }

  /** Opens one reply; for the streams below. */
  open(signal: AbortSignal): TtsSession {
    return openTtsChain(this.#links, { language: this.#language, signal });
  }

  override stream(): tts.SynthesizeStream {
    return new ChainStream(this);
  }

  override synthesize(text: string, _connOptions?: unknown, signal?: AbortSignal): tts.ChunkedStream {
    return new ChainChunkedStream(text, this, signal);
  }
}

class ChainStream extends tts.SynthesizeStream {
  override label = 'bulletproof.TtsChainStream';
  readonly #owner: TtsChain;

  constructor(owner: TtsChain) {
    super(owner, NO_RETRIES);
    this.#owner = owner;
  }

  protected override async run(): Promise<void> {
    const session = this.#owner.open(this.abortSignal);
    const pump = async () => {
      for await (const input of this.input) {
        if (input === tts.SynthesizeStream.FLUSH_SENTINEL) {
          session.flush();
        } else {
          this.markStarted();
          session.write(input as string);
        }
      }
      session.end();
    };
    await Promise.all([pump(), deliver(session, this.#owner.sampleRate, (audio) => this.queue.put(audio))]);
    if (!this.queue.closed) this.queue.put(tts.SynthesizeStream.END_OF_STREAM);
  }
}

class ChainChunkedStream extends tts.ChunkedStream {
  override label = 'bulletproof.TtsChainChunkedStream';
  readonly #owner: TtsChain;

  constructor(text: string, owner: TtsChain, signal?: AbortSignal) {
    super(text, owner, NO_RETRIES, signal);
    this.#owner = owner;
  }

  protected override async run(): Promise<void> {
    const session = this.#owner.open(this.abortSignal);
    session.write(this.inputText);
    session.end();
    await deliver(session, this.#owner.sampleRate, (audio) => this.queue.put(audio));
  }
}

/** Cuts audio into frames; the last frame of a segment is marked, so it is held until the segment ends. */
async function deliver(
  session: TtsSession,
  sampleRateHz: number,
  put: (audio: tts.SynthesizedAudio) => void,
): Promise<void> {
  const frameSamples = (sampleRateHz * FRAME_MS) / 1000;
  const requestId = crypto.randomUUID();
  let segment = 0;
  let held: AudioFrame | undefined;
  let words: voice.TimedString[] = [];
  const release = (final: boolean) => {
    if (!held) return;
    put({
      requestId,
      segmentId: `${requestId}-${segment}`,
      frame: held,
      final,
      ...(words.length > 0 && { timedTranscripts: words }),
    });
    held = undefined;
    words = [];
  };
  for await (const part of session.parts) {
    if (part.type === 'word') {
      words.push(
        voice.createTimedString({ text: part.text, startTime: part.startMs / 1000, endTime: part.endMs / 1000 }),
      );
    } else if (part.type === 'segment-end') {
      release(true);
      segment += 1;
    } else {
      for (let at = 0; at < part.samples.length; at += frameSamples) {
        release(false);
        const samples = part.samples.slice(at, at + frameSamples);
        held = new AudioFrame(samples, sampleRateHz, 1, samples.length);
      }
    }
  }
  release(true);
}

/** Any LiveKit TTS plugin as a link of a chain. Its errors, emitted or thrown, become ProviderErrors of the session. */
export function ttsLinkFromPlugin(plugin: tts.TTS): TtsLink {
  const client: TtsClient = {
    open: (options) => new PluginSession(plugin, options),
    close: () => plugin.close(),
  };
  return {
    id: plugin.label,
    traits: {
      languages: 'any',
      sampleRateHz: plugin.sampleRate,
      wordTimes: plugin.capabilities.alignedTranscript ? 'exact' : 'none',
      defaultVoices: {},
    },
    client,
  };
}

class PluginSession implements TtsSession {
  readonly parts = new AsyncQueue<TtsPart>();
  readonly #plugin: tts.TTS;
  readonly #options: TtsOpenOptions;
  readonly #stream: tts.SynthesizeStream | undefined;
  /** Only of a plugin that can't stream: it gets whole segments, one after another. */
  #pending = '';
  #spoken: Promise<void> = Promise.resolve();

  constructor(plugin: tts.TTS, options: TtsOpenOptions) {
    this.#plugin = plugin;
    this.#options = options;
    const onError = (event: { error: Error; recoverable: boolean }) => {
      if (!event.recoverable) this.#fail(event.error);
    };
    plugin.on('error', onError);
    const detach = () => plugin.off('error', onError);
    options.signal.addEventListener('abort', () => this.#stream?.close(), { once: true });
    if (plugin.capabilities.streaming) {
      this.#stream = plugin.stream();
      void this.#read(this.#stream).finally(detach);
    } else {
      options.signal.addEventListener('abort', detach, { once: true });
    }
  }

  write(text: string): void {
    if (this.#stream) this.#stream.pushText(text);
    else this.#pending += text;
  }

  flush(): void {
    if (this.#stream) {
      this.#stream.flush();
      return;
    }
    const text = this.#pending.trim();
    this.#pending = '';
    this.#spoken = this.#spoken.then(() => this.#speak(text));
  }

  end(): void {
    if (this.#stream) {
      this.#stream.endInput();
      return;
    }
    if (this.#pending.trim() !== '') this.flush();
    void this.#spoken.then(() => this.parts.end());
  }

  async #speak(text: string): Promise<void> {
    if (text === '' || this.parts.ended) {
      this.parts.push({ type: 'segment-end' });
      return;
    }
    try {
      for await (const audio of this.#plugin.synthesize(text, undefined, this.#options.signal)) {
        this.parts.push({ type: 'audio', samples: audio.frame.data });
      }
      this.parts.push({ type: 'segment-end' });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #read(stream: tts.SynthesizeStream): Promise<void> {
    try {
      for await (const audio of stream) {
        if (typeof audio === 'symbol') continue;
        for (const word of audio.timedTranscripts ?? []) this.parts.push(wordPart(word));
        this.parts.push({ type: 'audio', samples: audio.frame.data });
        if (audio.final) this.parts.push({ type: 'segment-end' });
      }
      this.parts.end();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(cause: unknown): void {
    if (this.#options.signal.aborted) {
      this.parts.end();
      return;
    }
    this.parts.fail(serverError(this.#plugin.label, cause));
  }
}

function wordPart(word: voice.TimedString): TtsPart {
  return {
    type: 'word',
    text: word.text,
    startMs: (word.startTime ?? 0) * 1000,
    endMs: (word.endTime ?? word.startTime ?? 0) * 1000,
  };
}
