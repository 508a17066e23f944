// The chain as LiveKit's TTS class.
import { tts, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { distinct, Failover, type FailoverOptions } from '../../failover/failover.ts';
import { boardOf } from '../../health/memory-board.ts';
import { openTtsChain } from '../chain/chain.ts';
import type { TtsLink, TtsSession } from '../contract.ts';
import { NO_RETRIES, ttsLinkFromPlugin } from './plugin-link.ts';

export interface TtsChainOptions extends FailoverOptions {
  /** BCP 47; 'en-US' where absent. */
  readonly language?: string;
}

/** Frame length that LiveKit itself uses. */
const FRAME_MS = 20;

/** A LiveKit TTS over an array of links: LiveKit plugins or our own providers. It emits no errors, as it goes on with another link. */
export class TtsChain extends tts.TTS {
  override label = 'bulletproof.TtsChain';
  readonly #failover: Failover<TtsLink>;
  readonly #options: TtsChainOptions;
  /** Links made here from plugins; the chain closes them. Other links are closed by their owner. */
  readonly #bridged: readonly TtsLink[];
  readonly #closed = new AbortController();

  /** @throws RangeError when `links` is empty */
  constructor(links: readonly (TtsLink | tts.TTS)[], options: TtsChainOptions = {}) {
    const bridged: TtsLink[] = [];
    const normalised = links.map((link) => {
      if (!(link instanceof tts.TTS)) return link;
      const made = ttsLinkFromPlugin(link);
      bridged.push(made);
      return made;
    });
    const failover = new Failover<TtsLink>('tts', distinct(normalised), { ...options, board: boardOf(options) });
    super((normalised[0] as TtsLink).traits.sampleRateHz, 1, { streaming: true, alignedTranscript: true });
    this.#failover = failover;
    this.#options = options;
    this.#bridged = bridged;
  }

  /** Id of the link that serves now. */
  override get provider(): string {
    return this.#failover.active.id;
  }

  /** Opens a session for one reply; used by the streams below. */
  open(signal: AbortSignal): TtsSession {
    const { language = 'en-US' } = this.#options;
    return openTtsChain(this.#failover, {
      language,
      signal: AbortSignal.any([signal, this.#closed.signal]),
      sampleRateHz: this.sampleRate,
    });
  }

  override stream(): tts.SynthesizeStream {
    return new ChainStream(this);
  }

  override synthesize(text: string, _connOptions?: unknown, signal?: AbortSignal): tts.ChunkedStream {
    return new ChainChunkedStream(text, this, signal);
  }

  override async close(): Promise<void> {
    this.#closed.abort();
    await Promise.allSettled(this.#bridged.map((link) => link.client.close()));
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
    const forward = async () => {
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
    // The input may stay open when the chain is closed, so the stream ends with the session.
    void forward().catch(() => undefined);
    await deliver(session, this.#owner.sampleRate, (audio) => this.queue.put(audio));
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
