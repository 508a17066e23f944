// Watches the connections that a plugin opens, from Node's own diagnostics: plugins hide refusals and closings.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Handshakes {
  onOpened(): void;
  /** The server answered with a status instead. */
  onRefused(status: number, headers: IncomingMessage['headers']): void;
  /** No connection could be made, or the one that stood is gone. */
  onLost(cause: unknown): void;
  /** Only where the closing is seen: before `onLost`. */
  onClosed(code: number, reason: string): void;
  /** Only where the messages are seen: one can't be read. */
  onMalformed(cause: unknown): void;
}

const context = new AsyncLocalStorage<Handshakes | undefined>();
let isInstalled = false;

/** Runs `start`; websockets that it, or anything it leaves running, opens are told to `handshakes`. */
export function watchHandshakes<Result>(handshakes: Handshakes, start: () => Result): Result {
  if (!isInstalled) {
    isInstalled = true;
    subscribe('http.client.request.start', (message) => {
      const watcher = context.getStore();
      const { request } = message as { request: ClientRequest };
      if (watcher && /^websocket$/i.test(String(request.getHeader('upgrade')))) watch(request, watcher);
    });
  }
  return context.run(handshakes, start);
}

/** What it opens is nobody's that is watched. */
export function unwatched<Result>(run: () => Result): Result {
  return context.run(undefined, run);
}

/** Who watches what is running now. */
export function currentHandshakes(): Handshakes | undefined {
  return context.getStore();
}

function watch(request: ClientRequest, watcher: Handshakes): void {
  request.on('response', ({ statusCode, headers }: IncomingMessage) => watcher.onRefused(statusCode ?? 0, headers));
  request.on('error', (cause) => watcher.onLost(cause));
  request.on('upgrade', (_response: IncomingMessage, socket: Duplex) => {
    watcher.onOpened();
    socket.on('close', () => watcher.onLost(undefined));
  });
}
