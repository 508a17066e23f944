// A vendor's websocket of which nothing is hidden: handshake status and headers, close codes, and one ProviderError for its end.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { kindOfCloseCode, networkError, retryAfterMs } from '../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';

export interface VendorSocketOptions {
  readonly provider: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the vendor's words mean, where they say more than its status or close code does. */
  kindOfWords?(words: string): ProviderErrorKind | undefined;
}

export interface VendorSocketEvents {
  open(): void;
  text(message: string): void;
  binary(bytes: Buffer): void;
  /**
   * Called once, however the socket ended, except by `close()`. `isClean`: with code 1000 or none. The vendor's own file decides
   * whether the end was due.
   */
  ended(error: ProviderError, isClean: boolean): void;
}

/** Longer than any deadline of a chain: only a bound, so that nothing waits for ever. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Wait for the words of a refusal. They come with its head, so a vendor that sends only the head is not awaited. */
const REFUSAL_WORDS_MS = 200;
const MAX_REFUSAL_CHARS = 4_000;
/** Wait for the other side's closing frame; ws itself waits 30 s. */
const CLOSING_MS = 1_000;

export class VendorSocket {
  readonly #options: VendorSocketOptions;
  readonly #events: VendorSocketEvents;
  readonly #socket: WebSocket | undefined;
  #hasEnded = false;
  #openedAtMs: number | undefined;

  constructor(options: VendorSocketOptions, events: VendorSocketEvents) {
    this.#options = options;
    this.#events = events;
    try {
      this.#socket = new WebSocket(options.url, {
        headers: { ...options.headers },
        perMessageDeflate: false,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      });
    } catch (cause) {
      queueMicrotask(() =>
        this.#end(this.#error('invalid-request', 'has an address or a key that can’t be sent', { cause })),
      );
      return;
    }
    this.#listen(this.#socket);
  }

  get isOpen(): boolean {
    return !this.#hasEnded && this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Ignored unless open. Bytes are copied at once. */
  send(data: string | Uint8Array): void {
    if (this.isOpen) this.#socket?.send(data);
  }

  /** Ends the socket without an event. */
  close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) {
      socket?.terminate();
      return;
    }
    socket.close(1000);
    setTimeout(() => socket.terminate(), CLOSING_MS).unref();
  }

  #listen(socket: WebSocket): void {
    socket.on('open', () => {
      this.#openedAtMs = performance.now();
      if (!this.#hasEnded) this.#events.open();
    });
    socket.on('message', (data, isBinary) => {
      if (this.#hasEnded) return;
      if (isBinary) this.#events.binary(data as Buffer);
      else this.#events.text(data.toString());
    });
    socket.on('unexpected-response', (request, response) => this.#refused(request, response));
    socket.on('error', (error) => this.#end(this.#broken(error)));
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()));
  }

  #refused(request: ClientRequest, response: IncomingMessage): void {
    let words = '';
    const status = response.statusCode ?? 0;
    const finish = () => {
      clearTimeout(timer);
      const kind = this.#options.kindOfWords?.(words) ?? kindOfStatus(status);
      const headers = { get: (name: string) => headerOf(response, name) };
      this.#end(
        this.#error(kind, `refused the connection (${status})`, { status, retryAfterMs: retryAfterMs(headers) }),
      );
      request.destroy();
    };
    const timer = setTimeout(finish, REFUSAL_WORDS_MS);
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      if (words.length < MAX_REFUSAL_CHARS) words += piece;
    });
    response.once('end', finish);
    response.once('error', finish);
  }

  #broken(error: Error): ProviderError {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code.startsWith('WS_ERR_')) return this.#error('malformed', `sent what is no websocket frame (${code})`);
    if (/handshake has timed out/.test(error.message)) return this.#error('timeout', 'did not answer the handshake');
    return networkError(this.#options.provider, error);
  }

  #closed(code: number, reason: string): void {
    const isClean = code === 1000 || code === 1005;
    const kind = (isClean ? undefined : this.#options.kindOfWords?.(reason)) ?? kindOfCloseCode(code);
    // Only codes like "NET-0001" are repeated: other words may contain anything.
    const named = /^[A-Z]+-\d+$/.test(reason) ? `${code}, ${reason}` : code;
    this.#end(this.#error(kind, `closed the connection (${named})`, { status: code }), isClean);
  }

  #error(
    kind: ProviderErrorKind,
    words: string,
    more: { status?: number; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ): ProviderError {
    const { provider } = this.#options;
    return new ProviderError({ kind, provider, message: `${provider}: ${words}`, ...more });
  }

  #end(error: ProviderError, isClean = false): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#openedAtMs !== undefined) error.stoodMs = performance.now() - this.#openedAtMs;
    this.#events.ended(error, isClean);
    this.#socket?.terminate();
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
