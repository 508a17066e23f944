// Websockets to a vendor that stand before they are needed and serve many replies: one context of a socket for each.
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import { networkError, retryAfterMs } from '../failover/http-error.ts';
import { ProviderError } from '../failover/provider-error.ts';

export type VendorMessage = Readonly<Record<string, unknown>>;

/** What a refused handshake said. */
export interface Refusal {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly body: string;
}

export interface SocketVendor {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Largest number of replies at once on one socket. */
  readonly maxContexts: number;
  /** Time after which we close a socket without work, before the vendor does. */
  readonly maxIdleMs: number;
  contextOf(message: VendorMessage): string | undefined;
  /** The error, where a message reports one of the whole socket. */
  failure(message: VendorMessage): ProviderError | undefined;
  /** Whether nothing more will come for the message's context; absent where a cancelled context is over at once. */
  isLast?(message: VendorMessage): boolean;
  /** How long a cancelled context counts while its end is not reported; for ever where absent. */
  readonly lingerMs?: number;
  refused(refusal: Refusal): ProviderError;
  closed(code: number, reason: string): ProviderError;
}

export interface ContextListener {
  message(message: VendorMessage): void;
  /** The socket is gone, or what it sends can't be read. */
  failed(error: ProviderError): void;
}

const HANDSHAKE_MS = 10_000;
const MAX_REFUSAL_BYTES = 4_096;
const REFUSAL_BODY_MS = 250;
const CLOSE_MS = 300;
/** A socket is suspect, once its reply was given up, if nothing came for this time while an answer was due. */
const SUSPECT_AFTER_MS = 250;

export class SocketPool {
  readonly #vendor: SocketVendor;
  readonly #sockets = new Set<PooledSocket>();
  #closed = false;

  constructor(vendor: SocketVendor) {
    this.#vendor = vendor;
  }

  /** Takes a place on a socket that is open or being opened; `leave` or `abandon` must give it back. */
  enter(url: string): PooledSocket {
    const fit = [...this.#sockets].filter((socket) => socket.url === url && socket.hasRoom);
    const socket = fit.sort((one, other) => one.load - other.load)[0] ?? this.#open(url);
    socket.enter();
    return socket;
  }

  /** Resolves once a socket without work is open; rejects with a ProviderError. */
  async warm(url: string): Promise<void> {
    const idle = [...this.#sockets].find((socket) => socket.url === url && socket.hasRoom && socket.load === 0);
    await (idle ?? this.#open(url)).opened;
  }

  /** Resolves when every socket is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sockets].map((socket) => socket.close()));
  }

  #open(url: string): PooledSocket {
    if (this.#closed) throw new ProviderError({ kind: 'server', provider: this.#vendor.id, message: 'closed' });
    const socket = new PooledSocket(url, this.#vendor, () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    return socket;
  }
}

export class PooledSocket {
  readonly url: string;
  /** Rejects with a ProviderError, which need not be handled. */
  readonly opened: Promise<void>;
  readonly #vendor: SocketVendor;
  readonly #socket: WebSocket;
  readonly #gone: () => void;
  readonly #contexts = new Map<string, ContextListener>();
  /** Contexts that we gave up and the vendor has not ended yet: they count against its limit. */
  readonly #lingering = new Map<string, number>();
  readonly #unsent: string[] = [];
  #replies = 0;
  #retired = false;
  #error: ProviderError | undefined;
  #heardAtMs = performance.now();
  #openedAtMs: number | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(url: string, vendor: SocketVendor, gone: () => void) {
    this.url = url;
    this.#vendor = vendor;
    this.#gone = gone;
    // Compression costs time on each message, and base64 of sound hardly shrinks.
    const options: ClientOptions = {
      headers: vendor.headers,
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
    };
    const socket = new WebSocket(url, options);
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.once('open', () => {
        this.#heardAtMs = performance.now();
        this.#openedAtMs = this.#heardAtMs;
        for (const text of this.#unsent.splice(0)) socket.send(text);
        resolve();
      });
      socket.once('close', () => reject(this.#error ?? vendor.closed(1006, '')));
    });
    this.opened.catch(() => undefined);
    socket.on('unexpected-response', (_request, response) => void this.#refused(response));
    socket.on('error', (error) => this.#fail(connectionError(vendor.id, error)));
    socket.on('message', (data) => this.#read(String(data)));
    socket.on('close', (code, reason) => this.#fail(vendor.closed(code, String(reason))));
    this.#rest();
  }

  get hasRoom(): boolean {
    return !this.#retired && this.#error === undefined && this.load < this.#vendor.maxContexts;
  }

  get load(): number {
    const nowMs = performance.now();
    for (const [id, untilMs] of this.#lingering) if (untilMs < nowMs) this.#lingering.delete(id);
    return this.#replies + this.#lingering.size;
  }

  /** Why the socket can't be used any more; undefined while it can. */
  get error(): ProviderError | undefined {
    return this.#error;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  enter(): void {
    this.#replies += 1;
    clearTimeout(this.#idleTimer);
  }

  /** The reply is over; the socket serves others. */
  leave(): void {
    this.#replies -= 1;
    this.#rest();
  }

  /** The reply failed: no other reply begins on this socket. */
  abandon(): void {
    this.#retired = true;
    this.leave();
  }

  /** Whether an answer that is due since `sinceMs` (performance.now) is late: packets may vanish. */
  isSuspect(sinceMs: number): boolean {
    return performance.now() - Math.max(sinceMs, this.#heardAtMs) > SUSPECT_AFTER_MS;
  }

  begin(contextId: string, listener: ContextListener): void {
    this.#contexts.set(contextId, listener);
  }

  /** @param ended whether the vendor is through with it too */
  drop(contextId: string, ended: boolean): void {
    this.#contexts.delete(contextId);
    if (ended || !this.#vendor.isLast || this.#error !== undefined) return;
    this.#lingering.set(contextId, performance.now() + (this.#vendor.lingerMs ?? Number.POSITIVE_INFINITY));
  }

  /** A message that is given before the socket is open is sent once it is. */
  send(message: VendorMessage): void {
    const text = JSON.stringify(message);
    if (this.isOpen) this.#socket.send(text);
    else if (this.#socket.readyState === WebSocket.CONNECTING) this.#unsent.push(text);
  }

  async close(): Promise<void> {
    this.#retired = true;
    clearTimeout(this.#idleTimer);
    const socket = this.#socket;
    if (socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
      else socket.close(1000);
    });
  }

  #rest(): void {
    clearTimeout(this.#idleTimer);
    if (this.#replies > 0) return;
    if (this.#retired) void this.close();
    else this.#idleTimer = setTimeout(() => void this.close(), this.#vendor.maxIdleMs).unref();
  }

  #read(text: string): void {
    this.#heardAtMs = performance.now();
    const message = parse(text);
    if (!message) {
      this.#fail(unreadable(this.#vendor.id));
      return;
    }
    const failure = this.#vendor.failure(message);
    if (failure) {
      this.#fail(failure);
      return;
    }
    const id = this.#vendor.contextOf(message);
    if (id === undefined) return;
    if (this.#vendor.isLast?.(message)) this.#lingering.delete(id);
    this.#contexts.get(id)?.message(message);
  }

  async #refused(response: IncomingMessage): Promise<void> {
    const body = await shortBody(response);
    const wait = retryAfterMs({ get: (name) => headerOf(response, name) });
    this.#fail(this.#vendor.refused({ status: response.statusCode ?? 0, retryAfterMs: wait, body }));
  }

  /** Only the first failure counts; later ones are its consequences. */
  #fail(error: ProviderError): void {
    if (this.#error) return;
    this.#error = error;
    if (this.#openedAtMs !== undefined) error.stoodMs = performance.now() - this.#openedAtMs;
    clearTimeout(this.#idleTimer);
    this.#gone();
    this.#socket.terminate();
    const listeners = [...this.#contexts.values()];
    this.#contexts.clear();
    this.#lingering.clear();
    for (const listener of listeners) listener.failed(error);
  }
}

function connectionError(provider: string, error: Error): ProviderError {
  if (!/handshake has timed out/i.test(error.message)) return networkError(provider, error);
  return new ProviderError({ kind: 'timeout', provider, message: `${provider}: no connection in time`, cause: error });
}

function unreadable(provider: string): ProviderError {
  return new ProviderError({ kind: 'malformed', provider, message: `${provider}: sent a message that is no JSON` });
}

function parse(text: string): VendorMessage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as VendorMessage) : undefined;
  } catch {
    return undefined;
  }
}

function headerOf(response: IncomingMessage, name: string): string | null {
  const value = response.headers[name];
  return typeof value === 'string' ? value : null;
}

/** The part of the body that comes at once: vendors say there whether a key or a quota is the reason. */
function shortBody(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let body = '';
    const timer = setTimeout(() => resolve(body), REFUSAL_BODY_MS);
    const done = () => {
      clearTimeout(timer);
      resolve(body);
    };
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      body += piece;
      if (body.length > MAX_REFUSAL_BYTES) done();
    });
    for (const event of ['end', 'close', 'error']) response.on(event, done);
  });
}
