// A socket of Deepgram's synthesis, kept between replies: one reply at a time owns it.
import type { ProviderError, ProviderErrorKind } from '../../../failover/provider-error.ts';
import { VendorSocket } from '../../../vendors/vendor-socket.ts';

export interface DeepgramSocketOptions {
  readonly provider: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  kindOfWords(words: string): ProviderErrorKind | undefined;
}

/** The reply that uses the socket. */
export interface DeepgramOwner {
  opened(): void;
  audio(bytes: Buffer): void;
  /** All audio of the oldest text not yet reported as flushed has come. */
  flushed(): void;
  /** Deepgram reported an error in these words; `undefined`: it sent a message that can't be read. */
  refused(words: string | undefined): void;
  /** Deepgram did not take a flush, because there were too many. */
  flushIgnored(): void;
  ended(error: ProviderError): void;
}

/** Limit: 20 flushes in 60 s (developers.deepgram.com/docs/tts-ws-flush). A reply needs few, so those left suffice for one. */
const FLUSH_WINDOW_MS = 60_000;
const MAX_FLUSHES_FOR_REUSE = 10;
const CLEAR_WITHIN_MS = 2_000;

export class DeepgramSocket {
  readonly #socket: VendorSocket;
  readonly #flushedAtMs: number[] = [];
  #owner: DeepgramOwner | undefined;
  #isOpen = false;
  #ended = false;
  #clearing: { readonly done: () => void; readonly timer: NodeJS.Timeout } | undefined;
  readonly #onEnd: () => void;

  /** @param onEnd it can't be used again, whoever has it */
  constructor(options: DeepgramSocketOptions, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#socket = new VendorSocket(options, {
      open: () => {
        this.#isOpen = true;
        this.#owner?.opened();
      },
      text: (message) => this.#take(message),
      binary: (bytes) => {
        if (!this.#clearing) this.#owner?.audio(bytes);
      },
      ended: (error) => this.#end(error),
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether the socket is alive and has enough flushes left for another reply. */
  get isReusable(): boolean {
    const sinceMs = performance.now() - FLUSH_WINDOW_MS;
    return !this.#ended && this.#flushedAtMs.filter((atMs) => atMs > sinceMs).length < MAX_FLUSHES_FOR_REUSE;
  }

  own(owner: DeepgramOwner | undefined): void {
    this.#owner = owner;
  }

  /** Speaks and flushes the text; call only while the socket is open. */
  speak(text: string): void {
    this.#flushedAtMs.push(performance.now());
    if (this.#flushedAtMs.length > 2 * MAX_FLUSHES_FOR_REUSE) this.#flushedAtMs.shift();
    this.#socket.send(JSON.stringify({ type: 'Speak', text }));
    this.#socket.send('{"type":"Flush"}');
  }

  /** Discards what is being spoken; calls `done` once no more of it can come. A socket that doesn't answer is closed. */
  clear(done: () => void): void {
    const timer = setTimeout(() => this.close(), CLEAR_WITHIN_MS);
    timer.unref();
    this.#clearing = { done, timer };
    this.#socket.send('{"type":"Clear"}');
  }

  close(): void {
    if (this.#ended) return;
    this.#socket.close();
    this.#end(undefined);
  }

  #take(text: string): void {
    const message = parse(text);
    const type = message?.type;
    if (this.#clearing) {
      if (type !== 'Cleared') return;
      const { done, timer } = this.#clearing;
      clearTimeout(timer);
      this.#clearing = undefined;
      done();
    } else if (message === undefined) this.#owner?.refused(undefined);
    else if (type === 'Flushed') this.#owner?.flushed();
    else if (type === 'Error') this.#owner?.refused(Object.values(message).join(' '));
    else if (type === 'Warning' && /flush/i.test(Object.values(message).join(' '))) this.#owner?.flushIgnored();
  }

  #end(error: ProviderError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#isOpen = false;
    clearTimeout(this.#clearing?.timer);
    this.#onEnd();
    if (error) this.#owner?.ended(error);
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
