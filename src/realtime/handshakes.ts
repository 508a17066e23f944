// Watches the connections that a plugin opens, from Node's own diagnostics: plugins hide refusals and closings.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Handshakes {
  onOpened(): void;
  /** The server answered with an HTTP status instead of opening the websocket. */
  onRefused(status: number, headers: IncomingMessage['headers']): void;
  /** No connection could be made, or the open connection was lost. */
  onLost(cause: unknown): void;
  /** The websocket was closed with this code; only where the adapter sees the closing, which may be a moment after `onLost`. */
  onClosed(code: number, reason: string): void;
  /** A message can't be read; called only where the adapter sees the messages. */
  onMalformed(cause: unknown): void;
}

const context = new AsyncLocalStorage<Handshakes | undefined>();
let isInstalled = false;

/** Runs `start`; `handshakes` is told of each websocket that `start`, or anything it leaves running, opens. */
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

/** Runs `run` outside any watch: no watcher is told of the connections that it opens. */
export function unwatched<Result>(run: () => Result): Result {
  return context.run(undefined, run);
}

/** The watcher of the code that is running now, if any. */
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
