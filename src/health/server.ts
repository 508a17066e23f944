// The parent's side of the shared health board: tells every call process what is known, and grants trials.
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigFiles } from '../config/files.ts';
import { type Clock, systemClock } from '../failover/clock.ts';
import type { Health } from '../failover/health.ts';
import type { MemoryHealthBoard } from './memory-board.ts';
import { mergeHealth } from './merge.ts';
import {
  type ClientMessage,
  type EventMessage,
  encode,
  healthFromAges,
  healthToAges,
  lineReader,
  MAX_LINE_CHARS,
  MAX_UNREAD_BYTES,
  outcomeFromAges,
  parseClientMessage,
} from './protocol.ts';
import { TrialGrants } from './trial-grants.ts';

export interface HealthServerOptions {
  readonly board: MemoryHealthBoard;
  /** A socket in a new folder that only this user can open, where absent. */
  readonly socketPath?: string;
  readonly clock?: Clock;
  /** Whether there is such a provider: messages about others are ignored. All are known where absent. */
  readonly isKnown?: (id: string) => boolean;
  /** Called with a sentence that says what went wrong. */
  readonly log?: (message: string) => void;
}

export interface HealthServer {
  readonly socketPath: string;
  /** Call processes that are connected. */
  readonly clients: number;
  /** Number of lines that were no message, or named an unknown provider. */
  readonly malformed: number;
  /** `listener` gets what call processes send besides health; the returned function removes it. */
  onEvent(listener: (event: string, data: EventMessage['data']) => void): () => void;
  /** Sends the configuration to every call process, including those that connect later. False when it is too long. */
  announce(config: ConfigFiles): boolean;
  close(): Promise<void>;
}

/** @throws Error when another process listens on the path */
export async function serveHealthBoard(options: HealthServerOptions): Promise<HealthServer> {
  const folder = options.socketPath ? undefined : await mkdtemp(join(tmpdir(), 'bulletproof-'));
  const socketPath = options.socketPath ?? join(folder as string, 'health');
  const connections = new BoardConnections(options);
  const server = createServer((socket) => connections.accept(socket));
  try {
    await listen(server, socketPath);
  } catch (error) {
    connections.close();
    if (folder) await rm(folder, { recursive: true, force: true });
    throw error;
  }
  server.on('error', (error) => options.log?.(`the health board's socket failed: ${error.message}`));
  return {
    socketPath,
    get clients() {
      return connections.clients;
    },
    get malformed() {
      return connections.malformed;
    },
    onEvent: (listener) => connections.onEvent(listener),
    announce: (config) => connections.announce(config),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      connections.close();
      await closed;
      if (folder) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Listens on `path`, and replaces a socket that a killed process left behind. */
async function listen(server: Server, path: string): Promise<void> {
  const tryOnce = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await tryOnce();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || (await isServed(path))) throw error;
    await rm(path);
    await tryOnce();
  }
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

const MEASURES_EVERY_MS = 1_000;

/** All connections, and what is sent to them. */
class BoardConnections {
  malformed = 0;
  readonly #board: MemoryHealthBoard;
  readonly #clock: Clock;
  readonly #log: (message: string) => void;
  readonly #isKnown: (id: string) => boolean;
  readonly #sockets = new Set<Socket>();
  /** Connections that have said hello. */
  readonly #readers = new Set<Socket>();
  readonly #eventListeners = new Set<(event: string, data: EventMessage['data']) => void>();
  readonly #measureTimers = new Map<string, () => void>();
  readonly #unsubscribe: readonly (() => void)[];
  /** The configuration as the line that is sent. */
  #config: string | undefined;

  constructor({ board, clock = systemClock, log = () => undefined, isKnown = () => true }: HealthServerOptions) {
    this.#isKnown = isKnown;
    this.#board = board;
    this.#clock = clock;
    this.#log = log;
    this.#unsubscribe = [
      board.onChange((id, health) => this.#tellAll(id, health, false)),
      board.onMeasure((id) => this.#tellMeasuresSoon(id)),
    ];
  }

  get clients(): number {
    return this.#sockets.size;
  }

  announce({ env, providers }: ConfigFiles): boolean {
    const line = encode({ type: 'config', env, providers });
    if (line.length > MAX_LINE_CHARS) return false;
    this.#config = line;
    for (const socket of this.#readers) this.#tell(socket, line);
    return true;
  }

  onEvent(listener: (event: string, data: EventMessage['data']) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  accept(socket: Socket): void {
    this.#sockets.add(socket);
    const grants = new TrialGrants(this.#board, this.#clock);
    const read = lineReader((line) => {
      const message = line === undefined ? undefined : parseClientMessage(line);
      if (message && this.#mayBeHeard(message)) this.#handle(message, socket, grants);
      else this.malformed += 1;
    });
    socket.setEncoding('utf8').on('data', read);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#readers.delete(socket);
      for (const id of this.#board.loads.drop(socket).keys()) this.#tellLoad(id);
      grants.releaseAll();
    });
  }

  close(): void {
    for (const stop of this.#unsubscribe) stop();
    for (const cancel of this.#measureTimers.values()) cancel();
    this.#measureTimers.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  #mayBeHeard(message: ClientMessage): boolean {
    return !('id' in message) || this.#isKnown(message.id);
  }

  #handle(message: ClientMessage, socket: Socket, grants: TrialGrants): void {
    const nowMs = this.#clock.now();
    switch (message.type) {
      case 'hello':
        for (const [id, health] of this.#board.all()) socket.write(stateLine(id, health, nowMs, false));
        for (const id of this.#board.loads.ids) socket.write(this.#loadLine(id, socket));
        if (this.#config !== undefined) socket.write(this.#config);
        socket.write(encode({ type: 'synced' }));
        this.#readers.add(socket);
        break;
      case 'report':
        this.#board.report(message.id, grants.settle(message.id, outcomeFromAges(message.outcome, nowMs)));
        break;
      case 'state': {
        const theirs = healthFromAges(message.health, nowMs);
        this.#board.restore(message.id, mergeHealth(this.#board.health(message.id), theirs));
        break;
      }
      case 'ask': {
        const isGranted = grants.ask(message.id);
        // The state is sent first, so that a denied client knows why and does not ask again until something changes.
        if (!isGranted) this.#tell(socket, stateLine(message.id, this.#board.health(message.id), nowMs, false));
        this.#tell(socket, encode({ type: 'answer', id: message.id, isGranted }));
        break;
      }
      case 'use':
        grants.use(message.id);
        break;
      case 'return':
        grants.giveBack(message.id);
        break;
      case 'load':
        this.#board.loads.set(socket, message.id, message.count);
        this.#tellLoad(message.id, socket);
        break;
      case 'event':
        this.#tellEvent(message);
        break;
    }
  }

  #tellEvent({ event, data }: EventMessage): void {
    for (const listener of [...this.#eventListeners]) {
      try {
        listener(event, data);
      } catch (error) {
        this.#log(`a listener to ${event} failed: ${String(error)}`);
      }
    }
  }

  /** Sends the load to all clients but `from`: each process counts its own. */
  #tellLoad(id: string, from?: Socket): void {
    for (const socket of this.#readers) if (socket !== from) this.#tell(socket, this.#loadLine(id, socket));
  }

  #loadLine(id: string, socket: Socket): string {
    return encode({ type: 'load', id, elsewhere: this.#board.loads.total(id, socket) });
  }

  #tellMeasuresSoon(id: string): void {
    if (this.#measureTimers.has(id)) return;
    const tell = () => {
      this.#measureTimers.delete(id);
      this.#tellAll(id, this.#board.health(id), true);
    };
    this.#measureTimers.set(id, this.#clock.setTimeout(tell, MEASURES_EVERY_MS));
  }

  #tellAll(id: string, health: Health, isMeasureOnly: boolean): void {
    if (this.#readers.size === 0) return;
    const line = stateLine(id, health, this.#clock.now(), isMeasureOnly);
    for (const socket of this.#readers) this.#tell(socket, line);
  }

  #tell(socket: Socket, line: string): void {
    socket.write(line);
    if (socket.writableLength <= MAX_UNREAD_BYTES) return;
    this.#log('a call process does not read the health board: it is disconnected');
    socket.destroy();
  }
}

function stateLine(id: string, health: Health, nowMs: number, isMeasureOnly: boolean): string {
  return encode({ type: 'state', id, health: healthToAges(health, nowMs), isMeasureOnly });
}
