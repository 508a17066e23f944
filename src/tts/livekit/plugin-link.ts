// Any LiveKit TTS plugin as a link of a chain.
import { APIConnectionError, APITimeoutError, type tts, type voice } from '@livekit/agents';
import { AsyncQueue } from '../../audio/async-queue.ts';
import { STAGE_DEADLINES } from '../../failover/deadline.ts';
import { ProviderError, serverError } from '../../failover/provider-error.ts';
import { WrittenText } from '../../text/clause-text.ts';
import type { TtsClient, TtsLink, TtsOpenOptions, TtsPart, TtsSession } from '../contract.ts';

/** Connection options that leave all retries to the chain. */
export const NO_RETRIES = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 };

/** Makes a chain link from any LiveKit TTS plugin. Its errors, emitted or thrown, become ProviderErrors of the session. */
export function ttsLinkFromPlugin(plugin: tts.TTS): TtsLink {
  // An 'error' event without a listener would end the process, and a plugin may emit one long after its reply.
  plugin.on('error', () => undefined);
  const { streaming, alignedTranscript } = plugin.capabilities;
  const { connectMs, firstMs } = STAGE_DEADLINES.tts;
  const client: TtsClient = {
    open: (options) => new PluginSession(plugin, options),
    close: () => plugin.close(),
  };
  return {
    id: plugin.label,
    traits: {
      languages: 'any',
      sampleRateHz: plugin.sampleRate,
      // A plugin that can't stream speaks whole texts; with 'none' the chain flushes, and so sends, each clause by itself.
      wordTimes: streaming && alignedTranscript ? 'exact' : 'none',
      // A plugin does not report when it is connected, so the first sound gets the time to connect as well.
      deadlines: { firstHelpMs: STAGE_DEADLINES.tts.connectHelpMs, firstMs: connectMs + firstMs },
      defaultVoices: {},
    },
    client,
  };
}

type PluginStream = tts.SynthesizeStream | tts.ChunkedStream;

/** Text up to a flush, as a queue of clauses that is filled as they are written. */
type Segment = AsyncQueue<string>;

/** Opens a plugin stream for each segment, because only a stream's end tells with every plugin that all is spoken. */
class PluginSession implements TtsSession {
  readonly parts = new AsyncQueue<TtsPart>();
  readonly #plugin: tts.TTS;
  readonly #signal: AbortSignal;
  readonly #written = new WrittenText();
  readonly #over = new AbortController();
  #segment: Segment | undefined;
  #isSegmentOpen = true;
  #stream: PluginStream | undefined;
  #work: Promise<void> = Promise.resolve();
  #audioMs = 0;

  constructor(plugin: tts.TTS, { signal, onOpen }: TtsOpenOptions) {
    this.#plugin = plugin;
    this.#signal = signal;
    if (signal.aborted) this.#end();
    else signal.addEventListener('abort', () => this.#end(), { once: true, signal: this.#over.signal });
    const onError = ({ error, recoverable }: { error: Error; recoverable: boolean }) => {
      if (!recoverable) this.#fail(error);
    };
    plugin.on('error', onError);
    this.#over.signal.addEventListener('abort', () => plugin.off('error', onError), { once: true });
    // A plugin does not report when it is connected.
    queueMicrotask(() => {
      if (!this.parts.ended) onOpen?.();
    });
  }

  write(text: string): void {
    if (this.parts.ended) return;
    this.#isSegmentOpen = true;
    this.#put(this.#written.push(text));
  }

  flush(): void {
    if (this.parts.ended) return;
    this.#put(this.#written.flush());
    this.#segment?.end();
    this.#segment = undefined;
    this.#isSegmentOpen = false;
    this.#then(async () => this.parts.push({ type: 'segment-end' }));
  }

  end(): void {
    if (this.#isSegmentOpen) this.flush();
    this.#then(async () => this.#end());
  }

  #put(clauses: readonly { readonly written: string }[]): void {
    for (const { written } of clauses) {
      if (!this.#segment) {
        const segment: Segment = new AsyncQueue();
        this.#segment = segment;
        this.#then(() => this.#speak(segment));
      }
      this.#segment.push(written);
    }
  }

  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.parts.ended) return;
      try {
        await step();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  async #speak(segment: Segment): Promise<void> {
    const stream = this.#plugin.capabilities.streaming ? this.#begin(segment) : await this.#synthesize(segment);
    if (!stream) return;
    const baseMs = this.#audioMs;
    for await (const audio of stream) {
      if (typeof audio === 'symbol') continue;
      for (const word of audio.timedTranscripts ?? []) this.parts.push(wordPart(word, baseMs));
      const { data, samplesPerChannel, sampleRate } = audio.frame;
      this.parts.push({ type: 'audio', samples: data });
      this.#audioMs += (samplesPerChannel * 1000) / sampleRate;
    }
    // A plugin reports a stream's error separately from its end, at most a moment later.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #begin(segment: Segment): tts.SynthesizeStream {
    const stream = this.#plugin.stream({ connOptions: NO_RETRIES });
    this.#stream = stream;
    const forward = async () => {
      for await (const clause of segment) {
        stream.pushText(clause);
        // Without a flush, the plugin's tokenizer might wait for more text.
        stream.flush();
      }
      stream.endInput();
    };
    forward().catch((error: unknown) => this.#fail(error));
    return stream;
  }

  async #synthesize(segment: Segment): Promise<tts.ChunkedStream | undefined> {
    let text = '';
    for await (const clause of segment) text += clause;
    if (this.parts.ended) return undefined;
    const stream = this.#plugin.synthesize(text.trim(), NO_RETRIES, this.#signal);
    this.#stream = stream;
    this.#contain(stream);
    return stream;
  }

  /** LiveKit leaves the rejection of a failed chunked stream unhandled (1.9.0), which would end the process. */
  #contain(stream: tts.ChunkedStream): void {
    const inner = stream as unknown as { mainTask?: () => Promise<unknown> };
    const { mainTask } = inner;
    if (typeof mainTask !== 'function') return;
    inner.mainTask = async () => {
      try {
        await mainTask.call(stream);
      } catch (error) {
        this.#fail(error);
      }
    };
  }

  #fail(cause: unknown): void {
    if (this.parts.ended) return;
    // Parts made before the error are read first.
    setImmediate(() => {
      if (this.parts.ended) return;
      this.parts.fail(pluginError(this.#plugin.label, cause));
      this.#end();
    });
  }

  #end(): void {
    this.parts.end();
    this.#segment?.end();
    this.#over.abort();
    try {
      this.#stream?.close();
    } catch {
      // The session is over either way.
    }
  }
}

function pluginError(provider: string, cause: unknown): ProviderError {
  if (!(cause instanceof Error)) return serverError(provider, cause);
  const { message } = cause;
  if (cause instanceof APITimeoutError) return new ProviderError({ kind: 'timeout', provider, message, cause });
  if (cause instanceof APIConnectionError) return new ProviderError({ kind: 'unreachable', provider, message, cause });
  return serverError(provider, cause);
}

function wordPart(word: voice.TimedString, baseMs: number): TtsPart {
  return {
    type: 'word',
    text: word.text,
    startMs: baseMs + (word.startTime ?? 0) * 1000,
    endMs: baseMs + (word.endTime ?? word.startTime ?? 0) * 1000,
  };
}
