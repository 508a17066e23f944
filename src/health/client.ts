// A call process's side of the shared health board: a replica that never waits, fed by the parent.
import { createConnection, type Socket } from 'node:net';
import type { ConfigFiles } from '../config/files.ts';
import { backoffMs } from '../failover/backoff.ts';
import { type Clock, systemClock } from '../failover/clock.ts';
import type { Admission, Health, Outcome } from '../failover/health.ts';
import type { HealthBoard } from '../failover/health-board.ts';
import { DEFAULT_FAILOVER, type FailoverSettings } from '../failover/settings.ts';
import { MemoryHealthBoard } from './memory-board.ts';
import {
  type ClientMessage,
  type EventMessage,
  encode,
  healthFromAges,
  healthToAges,
  lineReader,
  MAX_LINE_CHARS,
  MAX_UNREAD_BYTES,
  outcomeToAges,
  parseServerMessage,
  type ServerMessage,
} from './protocol.ts';
import { GRANT_UNUSED_MS } from './trial-grants.ts';

export interface HealthClientOptions {
  readonly socketPath: string;
  readonly settings?: FailoverSettings;
  readonly clock?: Clock;
  /** As Math.random. */
  readonly random?: () => number;
}

export interface HealthClient extends HealthBoard {
  /** Whether the parent process leads the board; otherwise this process goes on with what it knows. */
  readonly isConnected: boolean;
  /** The configuration that the parent sent last; it stays valid after the parent is gone. */
  readonly config: ConfigFiles | undefined;
  /** Resolves when all that the parent knows has arrived, or after 250 ms. */
  ready(): Promise<void>;
  /** Sends an event to the parent; while that is gone, the last 200 events are kept. False when the message is too long to be sent. */
  send(message: EventMessage): boolean;
  close(): void;
}

export function connectHealthBoard(options: HealthClientOptions): HealthClient {
  return new Replica(options);
}

/** Sources of load: this process, and all others. */
const [OWN, ELSEWHERE] = ['own', 'elsewhere'];
const READY_MS = 250;
/** A parent that leaves a question unanswered for this time counts as gone. */
const ANSWER_MS = 5_000;
const EVENTS_KEPT = 200;

class Replica implements HealthClient {
  readonly #options: HealthClientOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #board: MemoryHealthBoard;
  readonly #listeners = new Set<(id: string, health: Health) => void>();
  /** Trials that were granted and not used yet, with the time of the request. */
  readonly #grants = new Map<string, { readonly askedMs: number; readonly cancelExpiry: () => void }>();
  readonly #asked = new Map<string, { readonly askedMs: number; readonly cancelTimeout: () => void }>();
  readonly #trialsUnderWay = new Map<string, number>();
  /** Ids of providers with outcomes that were reported while the parent was gone. */
  readonly #untold = new Set<string>();
  readonly #events: EventMessage[] = [];
  readonly #isReady: Promise<void>;
  #settleReady!: () => void;
  #config: ConfigFiles | undefined;
  #socket: Socket | undefined;
  #isSynced = false;
  #isClosed = false;
  #attempt = 0;
  #cancelReconnect: () => void = () => undefined;

  constructor(options: HealthClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#board = new MemoryHealthBoard(options.settings ?? DEFAULT_FAILOVER, this.#clock);
    this.#board.onChange((id, health) => this.#tell(id, health));
    this.#isReady = new Promise((resolve) => {
      const cancel = this.#clock.setTimeout(resolve, READY_MS);
      this.#settleReady = () => {
        cancel();
        resolve();
      };
    });
    this.#connect();
  }

  get isConnected(): boolean {
    return this.#isSynced;
  }

  get config(): ConfigFiles | undefined {
    return this.#config;
  }

  ready(): Promise<void> {
    return this.#isReady;
  }

  health(id: string): Health {
    return this.#board.health(id);
  }

  peek(id: string): Admission | undefined {
    const seen = this.#board.peek(id);
    if (!this.#isSynced || seen === 'ready') return seen;
    if (this.#hasGrant(id) && this.#isTrialTime(id)) return 'trial';
    if (seen === 'trial') this.#ask(id);
    return undefined;
  }

  admit(id: string): Admission | undefined {
    const admission = this.#isSynced ? this.peek(id) : this.#board.admit(id);
    if (admission !== 'trial') return admission;
    this.#trialsUnderWay.set(id, (this.#trialsUnderWay.get(id) ?? 0) + 1);
    if (this.#isSynced) {
      this.#dropGrant(id);
      this.#post({ type: 'use', id });
    }
    return admission;
  }

  report(id: string, outcome: Outcome): void {
    if ('trial' in outcome && outcome.trial) {
      const left = (this.#trialsUnderWay.get(id) ?? 1) - 1;
      if (left > 0) this.#trialsUnderWay.set(id, left);
      else this.#trialsUnderWay.delete(id);
    }
    if (this.#isSynced) this.#post({ type: 'report', id, outcome: outcomeToAges(outcome, this.#clock.now()) });
    else if (outcome.type !== 'release') this.#untold.add(id);
    // Only the parent can count the cut-offs in a row over all calls.
    const isCounted = this.#isSynced && outcome.type === 'cut-off';
    this.#board.report(id, isCounted ? { type: 'release', trial: outcome.trial } : outcome);
  }

  load(id: string): number {
    return this.#board.load(id);
  }

  occupy(id: string): () => void {
    const count = (by: number) => {
      const own = this.#board.loads.add(OWN, id, by);
      if (this.#isSynced) this.#post({ type: 'load', id, count: own });
    };
    count(1);
    return () => count(-1);
  }

  onChange(listener: (id: string, health: Health) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  send(message: EventMessage): boolean {
    if (encode(message).length > MAX_LINE_CHARS) return false;
    if (this.#isSynced) {
      this.#post(message);
      return true;
    }
    this.#events.push(message);
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelReconnect();
    this.#settleReady();
    // The last messages are still sent, but the process does not wait for that.
    this.#socket?.end();
    this.#socket?.unref();
    this.#lose();
  }

  #connect(): void {
    const socket = createConnection(this.#options.socketPath);
    this.#socket = socket;
    const read = lineReader((line) => {
      const message = line === undefined ? undefined : parseServerMessage(line);
      if (message && this.#socket === socket && !this.#isClosed) this.#handle(message);
    });
    socket.setEncoding('utf8').on('data', read);
    socket.on('connect', () => this.#greet(socket));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#lose();
      if (this.#isClosed) return;
      this.#attempt += 1;
      this.#cancelReconnect = this.#clock.setTimeout(() => this.#connect(), backoffMs(this.#attempt, this.#random));
    });
  }

  /** Sends first what this process met alone, so that the states that come back include it. */
  #greet(socket: Socket): void {
    if (this.#isClosed) return;
    const nowMs = this.#clock.now();
    for (const id of this.#untold) {
      socket.write(encode({ type: 'state', id, health: healthToAges(this.#board.health(id), nowMs) }));
    }
    this.#untold.clear();
    for (const event of this.#events.splice(0)) socket.write(encode(event));
    socket.write(encode({ type: 'hello' }));
  }

  #handle(message: ServerMessage): void {
    switch (message.type) {
      case 'state': {
        const theirs = healthFromAges(message.health, this.#clock.now());
        const { lastCheckMs, provenMs, connect, first } = theirs;
        const measured = { ...this.#board.health(message.id), lastCheckMs, provenMs, connect, first };
        this.#board.restore(message.id, message.isMeasureOnly ? measured : theirs);
        break;
      }
      case 'load':
        this.#board.loads.set(ELSEWHERE, message.id, message.elsewhere);
        break;
      case 'config':
        this.#config = { env: message.env, providers: message.providers };
        break;
      case 'synced':
        this.#isSynced = true;
        this.#attempt = 0;
        for (const [id, count] of this.#board.loads.of(OWN)) this.#post({ type: 'load', id, count });
        this.#settleReady();
        break;
      case 'answer':
        this.#answered(message.id, message.isGranted);
        break;
    }
  }

  #ask(id: string): void {
    if (this.#asked.has(id)) return;
    const cancelTimeout = this.#clock.setTimeout(() => this.#socket?.destroy(), ANSWER_MS);
    this.#asked.set(id, { askedMs: this.#clock.now(), cancelTimeout });
    this.#post({ type: 'ask', id });
  }

  #answered(id: string, isGranted: boolean): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    asked.cancelTimeout();
    this.#asked.delete(id);
    if (!isGranted) return;
    const giveBack = () => {
      this.#grants.delete(id);
      this.#post({ type: 'return', id });
    };
    const leftMs = asked.askedMs + GRANT_UNUSED_MS - this.#clock.now();
    const cancelExpiry = this.#clock.setTimeout(giveBack, leftMs);
    this.#grants.set(id, { askedMs: asked.askedMs, cancelExpiry });
    this.#tell(id, this.#board.health(id));
  }

  #hasGrant(id: string): boolean {
    const grant = this.#grants.get(id);
    return grant !== undefined && this.#clock.now() - grant.askedMs < GRANT_UNUSED_MS;
  }

  #dropGrant(id: string): void {
    this.#grants.get(id)?.cancelExpiry();
    this.#grants.delete(id);
  }

  /** With a grant, it does not matter that all trials are taken: one of them is ours. */
  #isTrialTime(id: string): boolean {
    const { breaker, suspect, blocked } = this.#board.health(id);
    if (blocked || breaker.kind === 'open') return false;
    return breaker.kind === 'half-open' || (suspect !== undefined && suspect.untilMs <= this.#clock.now());
  }

  #post(message: ClientMessage): void {
    const socket = this.#socket;
    if (!socket || socket.destroyed) return;
    socket.write(encode(message));
    if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
  }

  /** The parent is gone: from now on this process decides by itself. */
  #lose(): void {
    for (const { cancelTimeout } of this.#asked.values()) cancelTimeout();
    this.#asked.clear();
    for (const id of [...this.#grants.keys()]) this.#dropGrant(id);
    this.#board.loads.drop(ELSEWHERE);
    if (!this.#isSynced) return;
    this.#isSynced = false;
    // Trials of other processes are no longer counted: their end would never be reported.
    for (const [id, health] of this.#board.all()) {
      const trials = this.#trialsUnderWay.get(id) ?? 0;
      const { breaker, suspect } = health;
      this.#board.restore(id, {
        ...health,
        breaker: breaker.kind === 'half-open' ? { ...breaker, trials } : breaker,
        suspect: suspect && { ...suspect, trials },
      });
    }
  }

  #tell(id: string, health: Health): void {
    for (const listener of [...this.#listeners]) listener(id, health);
  }
}
