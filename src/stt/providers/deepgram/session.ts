// One stream of caller audio over one socket of Deepgram.
import { AsyncQueue } from '../../../audio/async-queue.ts';
import { ProviderError, type ProviderErrorKind } from '../../../failover/provider-error.ts';
import { VendorSocket } from '../../../vendors/vendor-socket.ts';
import type { SttOpenOptions, SttPart, SttSession } from '../../contract.ts';
import { type DeepgramMessage, type HeardWords, readMessage, toPart } from './messages.ts';

export interface DeepgramSessionOptions extends Omit<SttOpenOptions, 'keyPhrases'> {
  readonly provider: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sampleRateHz: number;
  /** After this many milliseconds without audio a KeepAlive is sent: Deepgram would close the socket after 10 s. */
  readonly keepAliveMs: number;
  kindOfWords(words: string): ProviderErrorKind | undefined;
}

const FINALIZE = '{"type":"Finalize"}';
const CLOSE = '{"type":"CloseStream"}';
const KEEP_ALIVE = '{"type":"KeepAlive"}';
/** Audio kept while the socket connects; beyond that the oldest is dropped and counted. */
const MAX_BACKLOG_S = 60;
/** KeepAlive alone does not hold a socket open that never had audio, so this much silence is sent before it. */
const LEAD_IN_MS = 20;
/** Deepgram may report this much less audio than was sent, because it rounds. */
const AUDIO_SLACK_S = 1;

export class DeepgramSession implements SttSession {
  readonly parts = new AsyncQueue<SttPart>();
  readonly #options: DeepgramSessionOptions;
  readonly #socket: VendorSocket;
  readonly #keepAlive: NodeJS.Timeout;
  /** Audio and finalise requests, kept until the socket is open. */
  #backlog: (Int16Array | typeof FINALIZE)[] = [];
  #backlogSamples = 0;
  #droppedSamples = 0;
  #leadInSamples = 0;
  /** Includes the lead-in. */
  #sentSamples = 0;
  #sentAtLastTick = 0;
  #isSpeaking = false;
  #hasInterim = false;
  #lastMs = 0;
  /** Session time up to which a final was last asked for. */
  #askedAtMs = 0;
  #ended = false;
  readonly #cancel = () => this.#finish();

  constructor(options: DeepgramSessionOptions) {
    this.#options = options;
    const { provider, url, headers, keepAliveMs, signal } = options;
    this.#keepAlive = setInterval(() => this.#stayAlive(), keepAliveMs);
    this.#keepAlive.unref();
    this.#socket = new VendorSocket(
      { provider, url, headers, kindOfWords: options.kindOfWords },
      {
        open: () => this.#opened(),
        text: (message) => this.#take(readMessage(message)),
        binary: () => this.#fail('malformed', 'sent bytes in place of text'),
        // Without the Metadata message that reports the end, even a clean close is an end in mid-stream.
        ended: (error) => this.#finish(error),
      },
    );
    if (signal.aborted) this.#finish();
    else signal.addEventListener('abort', this.#cancel, { once: true });
  }

  write(samples: Int16Array): void {
    // An empty message would end the stream.
    if (this.#isClosed || samples.length === 0) return;
    if (this.#socket.isOpen) this.#send(samples);
    else this.#keep(samples);
  }

  flush(): void {
    if (this.#isClosed) return;
    if (this.#socket.isOpen) this.#finalize();
    else this.#backlog.push(FINALIZE);
  }

  end(): void {
    if (this.#isClosed) return;
    this.#ended = true;
    clearInterval(this.#keepAlive);
    if (this.#sentSamples === this.#leadInSamples && this.#backlogSamples === 0) this.#finish();
    else this.#socket.send(CLOSE);
  }

  get #isClosed(): boolean {
    return this.#ended || this.parts.ended;
  }

  #opened(): void {
    const backlog = this.#backlog;
    this.#backlog = [];
    this.#backlogSamples = 0;
    for (const item of backlog) {
      if (item === FINALIZE) this.#finalize();
      else this.#send(item);
    }
    if (this.#ended) this.#socket.send(CLOSE);
    this.#options.onOpen?.();
  }

  #finalize(): void {
    this.#askedAtMs = (this.#sentSamples * 1000) / this.#options.sampleRateHz + this.#offsetMs;
    this.#socket.send(FINALIZE);
  }

  #send(samples: Int16Array): void {
    this.#sentSamples += samples.length;
    this.#socket.send(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  }

  #keep(samples: Int16Array): void {
    this.#backlog.push(samples.slice());
    this.#backlogSamples += samples.length;
    const most = MAX_BACKLOG_S * this.#options.sampleRateHz;
    while (this.#backlogSamples > most) {
      const oldest = this.#backlog.shift();
      if (!(oldest instanceof Int16Array)) continue;
      this.#backlogSamples -= oldest.length;
      this.#droppedSamples += oldest.length;
    }
  }

  #stayAlive(): void {
    if (!this.#socket.isOpen) return;
    if (this.#sentSamples === 0) {
      this.#leadInSamples = this.#samplesIn(LEAD_IN_MS);
      this.#send(new Int16Array(this.#leadInSamples));
    } else if (this.#sentSamples === this.#sentAtLastTick) this.#socket.send(KEEP_ALIVE);
    this.#sentAtLastTick = this.#sentSamples;
  }

  #take(message: DeepgramMessage | undefined): void {
    if (this.parts.ended) return;
    switch (message?.type) {
      case undefined:
        this.#fail('malformed', 'sent a message that can’t be read');
        break;
      case 'words':
        this.#hear(message.words, message.isFinal, message.endsSpeech);
        if (message.isAsked && !message.endsSpeech) this.#finalised();
        break;
      case 'speech-start':
        this.#startSpeech(message.atS * 1000 + this.#offsetMs);
        break;
      case 'speech-end':
        this.#endSpeech();
        break;
      case 'done':
        this.#done(message.audioS);
        break;
      case 'error':
        this.#fail(this.#options.kindOfWords(message.words) ?? 'server', 'told an error on the open socket');
        break;
      case 'other':
    }
  }

  #hear(heard: HeardWords, isFinal: boolean, endsSpeech: boolean): void {
    // An empty final takes back an interim that came to nothing.
    if (heard.text !== '' || (isFinal && this.#hasInterim)) {
      const { language } = this.#options;
      const part = toPart(isFinal ? 'final' : 'interim', heard, { offsetMs: this.#offsetMs, language });
      if ('startMs' in part) {
        this.#startSpeech(part.startMs);
        this.#lastMs = part.endMs;
      }
      this.parts.push(part);
      this.#hasInterim = !isFinal;
    }
    if (endsSpeech) this.#endSpeech();
  }

  /** Deepgram answers Finalize even where nothing was said. After speech `speech_final` may never come, so speech ends here. */
  #finalised(): void {
    if (this.#ended || this.#hasInterim) return;
    this.#isSpeaking = false;
    this.parts.push({ type: 'speech-end', atMs: this.#askedAtMs });
  }

  #startSpeech(atMs: number): void {
    if (this.#isSpeaking) return;
    this.#isSpeaking = true;
    this.parts.push({ type: 'speech-start', atMs: Math.max(0, atMs) });
  }

  #endSpeech(): void {
    if (!this.#isSpeaking) return;
    this.#isSpeaking = false;
    this.parts.push({ type: 'speech-end', atMs: this.#lastMs });
  }

  #done(audioS: number): void {
    const sentS = this.#sentSamples / this.#options.sampleRateHz;
    if (audioS === 0 && sentS > 0) this.#fail('malformed', 'ended as if there had been no audio');
    else if (!this.#ended || audioS < sentS - AUDIO_SLACK_S) this.#fail('unreachable', 'ended before the audio did');
    else {
      this.#endSpeech();
      this.#finish();
    }
  }

  #fail(kind: ProviderErrorKind, words: string): void {
    const { provider } = this.#options;
    this.#finish(new ProviderError({ kind, provider, message: `${provider}: ${words}` }));
  }

  #finish(error?: ProviderError): void {
    clearInterval(this.#keepAlive);
    this.#options.signal.removeEventListener('abort', this.#cancel);
    this.#backlog = [];
    if (error) this.parts.fail(error);
    else this.parts.end();
    this.#socket.close();
  }

  /** Milliseconds from Deepgram's clock, which starts with the first sample that it gets, to the session's clock. */
  get #offsetMs(): number {
    return ((this.#droppedSamples - this.#leadInSamples) * 1000) / this.#options.sampleRateHz;
  }

  #samplesIn(ms: number): number {
    return Math.round((ms * this.#options.sampleRateHz) / 1000);
  }
}
