// Joins the health boards of several workers through Redis; without it each worker goes on by itself.
import { createHmac } from 'node:crypto';
import type { Redis, RedisOptions } from 'ioredis';
import { z } from 'zod';
import { isSameSecret } from '../config/same-secret.ts';
import { backoffMs } from '../failover/backoff.ts';
import { type Clock, systemClock } from '../failover/clock.ts';
import { networkCode } from '../failover/http-error.ts';
import type { MemoryHealthBoard } from './memory-board.ts';
import { mergeHealth } from './merge.ts';
import { type HealthInAges, healthFromAges, healthToAges, MAX_LINE_CHARS, parseHealth } from './protocol.ts';

export interface RedisHealthOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss:` with TLS. */
  readonly url?: string;
  /** Options of ioredis, instead of or beside `url`. */
  readonly options?: RedisOptions;
  readonly board: MemoryHealthBoard;
  /** Distinguishes this worker's messages from those of other workers. */
  readonly workerId: string;
  /** Shared by all workers: messages that are not signed with it are ignored. */
  readonly secret: string;
  /** Whether this worker has such a provider. All are known where absent. */
  readonly isKnown?: (id: string) => boolean;
  readonly clock?: Clock;
  /** As Math.random. */
  readonly random?: () => number;
  /** Called with a sentence when Redis fails and when it comes back. */
  readonly log?: (message: string) => void;
}

export interface RedisHealth {
  /** Whether messages now travel in both directions. */
  readonly isJoined: boolean;
  close(): Promise<void>;
}

/** Does not wait for Redis, and never rejects because of it. */
export async function joinRedis(options: RedisHealthOptions): Promise<RedisHealth> {
  const { Redis } = await import('ioredis');
  const random = options.random ?? Math.random;
  const connection: RedisOptions & { replyMapping: 'legacy' } = {
    connectTimeout: 2_000,
    commandTimeout: COMMAND_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
    // Redis is near: four seconds are the longest wait.
    retryStrategy: (times) => backoffMs(Math.min(times, 3), random),
    ...options.options,
    lazyConnect: true,
    replyMapping: 'legacy',
  };
  const open = () => (options.url ? new Redis(options.url, connection) : new Redis(connection));
  return new RedisMember(options, open(), open());
}

const COMMAND_MS = 2_000;
const WATCH_EVERY_MS = 5_000;
const NEWEST_KEPT = 10_000;
const CHANNEL = 'bulletproof:health';
const STORE = 'bulletproof:health:states';
/** A state that no worker renewed for this time is dropped. */
const KEPT_MS = 60 * 60_000;

/** Stores a state with Redis's own time, so that every reader computes the right age; then publishes it. */
const PUBLISH = `
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], time[1] .. string.format('%06d', time[2]) .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', KEYS[2], ARGV[2])
return 1`;
const LOAD = `return {redis.call('TIME'), redis.call('HGETALL', KEYS[1])}`;

const stateMessage = z.object({
  worker: z.string().max(100),
  id: z.string().max(1_000),
  /** On the worker's clock. An older message than the newest known one is ignored, also when somebody else sends it again. */
  sentMs: z.number(),
  health: z.unknown(),
});
const loaded = z.tuple([z.tuple([z.string(), z.string()]), z.array(z.string())]);

class RedisMember implements RedisHealth {
  readonly #options: RedisHealthOptions;
  readonly #clock: Clock;
  readonly #store: Redis;
  readonly #feed: Redis;
  /** Ids that changed here and are not published yet: one state each, however long Redis is gone. */
  readonly #untold = new Set<string>();
  /** When the newest message of each worker about each provider was sent. */
  readonly #newest = new Map<string, number>();
  readonly #unsubscribe: () => void;
  #cancelWatch: () => void = () => undefined;
  #isMerging = false;
  #isFlushing = false;
  #isSubscribed = false;
  #isMissed = false;
  #isClosed = false;

  constructor(options: RedisHealthOptions, store: Redis, feed: Redis) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#store = store;
    this.#feed = feed;
    this.#unsubscribe = options.board.onChange((id) => {
      if (this.#isMerging) return;
      this.#untold.add(id);
      void this.#flush();
    });
    for (const id of options.board.all().keys()) this.#untold.add(id);
    for (const redis of [store, feed]) {
      redis.on('error', (error: unknown) => this.#missed(error));
      redis.on('close', () => this.#missed(undefined));
      redis.connect().catch(() => undefined);
    }
    store.on('ready', () => void this.#load());
    feed.on('ready', () => void this.#subscribe());
    feed.on('close', () => {
      this.#isSubscribed = false;
    });
    feed.on('message', (_channel: string, text: string) => this.#hear(text));
    this.#watch();
  }

  get isJoined(): boolean {
    return this.#isSubscribed && this.#store.status === 'ready';
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelWatch();
    this.#unsubscribe();
    for (const redis of [this.#store, this.#feed]) redis.disconnect();
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#feed.subscribe(CHANNEL);
      this.#isSubscribed = true;
    } catch {
      this.#reconnect(this.#feed);
      return;
    }
    await this.#load();
  }

  /** Reads what other workers met before this one subscribed. */
  async #load(): Promise<void> {
    if (this.#store.status !== 'ready') return;
    try {
      const [[seconds, micros], entries] = loaded.parse(await this.#store.eval(LOAD, 1, STORE));
      const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
      const stale: string[] = [];
      for (let at = 0; at + 1 < entries.length; at += 2) {
        const [field, entry] = [entries[at] as string, entries[at + 1] as string];
        const space = entry.indexOf(' ');
        const ageMs = nowMs - Number(entry.slice(0, space)) / 1_000;
        if (!(ageMs < KEPT_MS)) stale.push(field);
        else this.#merge(entry.slice(space + 1), Math.max(0, ageMs));
      }
      if (stale.length > 0) await this.#store.hdel(STORE, ...stale);
      this.#returned();
    } catch (error) {
      this.#missed(error);
    }
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (const id of this.#untold) {
        if (this.#store.status !== 'ready' || this.#isClosed) break;
        this.#untold.delete(id);
        await this.#publish(id).catch((error: unknown) => {
          this.#untold.add(id);
          throw error;
        });
      }
    } catch (error) {
      this.#missed(error);
    } finally {
      this.#isFlushing = false;
    }
  }

  #publish(id: string): Promise<unknown> {
    const { board, workerId } = this.#options;
    const health = healthToAges(board.health(id), this.#clock.now());
    const text = JSON.stringify({ worker: workerId, id, sentMs: this.#clock.now(), health });
    const signed = `${this.#sign(text)} ${text}`;
    return this.#store.eval(PUBLISH, 2, STORE, CHANNEL, JSON.stringify([workerId, id]), signed, KEPT_MS);
  }

  #hear(text: string): void {
    this.#merge(text, 0, this.#options.workerId);
  }

  /** @param ageMs how long ago it was written */
  #merge(text: string, ageMs: number, exceptWorker?: string): void {
    const message = this.#verified(text);
    if (!message || message.worker === exceptWorker) return;
    const { board, isKnown = () => true } = this.#options;
    if (!isKnown(message.id) || !this.#isNew(message)) return;
    const theirs = healthFromAges(message.health, this.#clock.now() - ageMs);
    this.#isMerging = true;
    try {
      board.restore(message.id, mergeHealth(board.health(message.id), theirs));
    } finally {
      this.#isMerging = false;
    }
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#options.secret).update(text).digest('base64');
  }

  /** undefined for a message that none of our workers wrote. */
  #verified(signed: string): StateMessage | undefined {
    if (signed.length > MAX_LINE_CHARS) return undefined;
    const space = signed.indexOf(' ');
    const text = signed.slice(space + 1);
    return isSameSecret(signed.slice(0, Math.max(0, space)), this.#sign(text)) ? parseState(text) : undefined;
  }

  #isNew({ worker, id, sentMs }: StateMessage): boolean {
    const key = JSON.stringify([worker, id]);
    if (sentMs < (this.#newest.get(key) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#newest.delete(key);
    this.#newest.set(key, sentMs);
    const oldest = this.#newest.keys().next();
    if (this.#newest.size > NEWEST_KEPT && !oldest.done) this.#newest.delete(oldest.value);
    return true;
  }

  /** Detects a Redis that keeps its connections open and answers nothing. */
  #watch(): void {
    this.#cancelWatch = this.#clock.setTimeout(() => {
      for (const redis of [this.#store, this.#feed]) {
        if (redis.status === 'ready') redis.ping().catch(() => this.#reconnect(redis));
        else if (redis.status === 'connect') this.#reconnect(redis);
      }
      void this.#flush();
      this.#watch();
    }, WATCH_EVERY_MS);
  }

  #reconnect(redis: Redis): void {
    if (!this.#isClosed) redis.disconnect(true);
  }

  #missed(error: unknown): void {
    if (this.#isMissed || this.#isClosed) return;
    this.#isMissed = true;
    const why = networkCode(error);
    this.#options.log?.(`Redis does not answer${why}: each worker finds out by itself which provider fails`);
  }

  #returned(): void {
    if (!this.#isMissed || !this.isJoined) return;
    this.#isMissed = false;
    this.#options.log?.('Redis is back: the workers tell each other which provider fails');
  }
}

type StateMessage = Omit<z.infer<typeof stateMessage>, 'health'> & { readonly health: HealthInAges };

function parseState(text: string): StateMessage | undefined {
  try {
    const message = stateMessage.parse(JSON.parse(text));
    const health = parseHealth(message.health);
    return health && { ...message, health };
  } catch {
    return undefined;
  }
}
