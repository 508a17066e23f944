// What vendors, call processes and Redis say is input: no number and no rubbish ends the process, or stays for good.
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Habits } from '../../fixtures/habits.ts';
import { systemClock } from '../../src/failover/clock.ts';
import type { Outcome } from '../../src/failover/health.ts';
import { retryAfterMs } from '../../src/failover/http-error.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import { connectHealthBoard } from '../../src/health/client.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { joinRedis } from '../../src/health/redis.ts';
import { serveHealthBoard } from '../../src/health/server.ts';
import { eventually } from '../support/eventually.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

const HOUR_MS = 3_600_000;
const MESSAGES = 10_000;
const id = 'llm/one';
const isKnown = (name: string) => name === id;
const failed = (retryAfter?: number): Outcome => ({
  type: 'failure',
  trial: false,
  checkable: false,
  failure: { kind: 'rate-limit', message: 'full', status: 429, retryAfterMs: retryAfter },
});

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

describe('a wait that a vendor names', () => {
  it.each([
    ['9223372036854775807', HOUR_MS],
    ['1e308', HOUR_MS],
    ['Infinity', HOUR_MS],
    ['Fri, 31 Dec 9999 23:59:59 GMT', HOUR_MS],
    ['30', 30_000],
    ['-5', undefined],
    ['soon', undefined],
  ])('of "%s" is bounded to an hour', (header, expected) => {
    const waitMs = retryAfterMs(new Headers({ 'retry-after': header }));
    const error = new ProviderError({ kind: 'rate-limit', provider: 'one', message: 'full', retryAfterMs: waitMs });
    expect(error.retryAfterMs).toBe(expected);
  });

  it('that is no number is none', () => {
    const error = new ProviderError({ kind: 'quota', provider: 'one', message: 'full', retryAfterMs: Number.NaN });
    expect(error.retryAfterMs).toBeUndefined();
  });
});

it('a timer is never longer than Node can wait, which would run it at once', async () => {
  let isRun = false;
  const cancels = [2 ** 31, 1e300, Number.POSITIVE_INFINITY].map((ms) =>
    systemClock.setTimeout(() => {
      isRun = true;
    }, ms),
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  for (const cancel of cancels) cancel();
  expect(isRun).toBe(false);
});

it('a listener that throws stops neither the board nor the other listeners', async () => {
  const board = new MemoryHealthBoard();
  const warned = once(process, 'warning');
  const told: string[] = [];
  board.onChange(() => {
    throw new RangeError('Invalid time value');
  });
  board.onChange((changed) => void told.push(changed));
  board.report(id, failed());
  expect(told).toEqual([id]);
  expect(String((await warned)[0])).toContain('Invalid time value');
});

const NUMBERS = [
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  9.2e18,
  -1,
  0,
  1e-300,
  null,
  'never',
  'always',
  '9',
  [],
  {},
  true,
];

/** A message of ours with something in it replaced, or cut, or rubbish. */
function brokenLine(habits: Habits, valid: readonly object[]): string {
  const line = JSON.stringify(habits.pick(valid as [object, ...object[]]));
  switch (Math.floor(habits.between(0, 5))) {
    case 0:
      return line.slice(0, habits.between(0, line.length));
    case 1:
      return Buffer.from(Array.from({ length: 60 }, () => Math.floor(habits.between(0, 256)))).toString('latin1');
    case 2:
      return line.replace(/"id":"[^"]*"/, `"id":${JSON.stringify('x'.repeat(habits.between(0, 3_000)))}`);
    default: {
      const places = [...line.matchAll(/:(-?\d[\d.e+]*|"[^"]*"|true|false)/g)];
      const place = places[Math.floor(habits.between(0, places.length))];
      if (!place) return '{}';
      const value = JSON.stringify(NUMBERS[Math.floor(habits.between(0, NUMBERS.length))]);
      return `${line.slice(0, place.index)}:${value}${line.slice(place.index + place[0].length)}`;
    }
  }
}

const health = {
  breaker: { kind: 'open', untilAge: -60_000 },
  suspect: { untilAge: -1_000, trials: 1 },
  blocked: { untilAge: -1_000, kind: 'rate-limit' },
  failuresInRow: 5,
  wellSinceAge: 5,
  provenAge: 7,
  lastFailure: { kind: 'server', message: 'overloaded', status: 500, retryAfterMs: 1_000, age: 5 },
  lastCheckAge: 9,
  connect: { count: 20, p50: 1, p90: 2, p95: 3 },
};
const fromCalls = [
  { type: 'hello' },
  { type: 'report', id, outcome: { type: 'success', trial: true, startedAge: 5, connectMs: 30, firstMs: 300 } },
  {
    type: 'report',
    id,
    outcome: {
      type: 'failure',
      trial: false,
      failure: { kind: 'rate-limit', message: 'full', status: 429, retryAfterMs: 5 },
      checkable: true,
      waitedMs: 5,
    },
  },
  { type: 'state', id, health },
  { type: 'ask', id },
  { type: 'use', id },
  { type: 'return', id },
  { type: 'load', id, count: 3 },
  { type: 'event', event: 'switch', data: { tookMs: 5 } },
];

describe('the health socket, after 10,000 broken messages (seed 9)', () => {
  it('serves every call as before, knows no more than it did, and can still tell all times', async () => {
    const board = new MemoryHealthBoard();
    const server = await serveHealthBoard({ board, isKnown });
    endings.push(() => server.close());
    const habits = new Habits(9);
    const hostile = createConnection(server.socketPath).on('error', () => undefined);
    hostile.resume();
    await once(hostile, 'connect');
    for (let sent = 0; sent < MESSAGES; sent += 1) {
      if (!hostile.write(`${brokenLine(habits, fromCalls)}\n`)) await once(hostile, 'drain');
    }
    await eventually('most were no message', () => server.malformed > MESSAGES / 2, 10_000);
    hostile.end();
    await once(hostile, 'close');
    expect([...board.all().keys()]).toEqual([id]);
    const seen = board.health(id);
    const times = [seen.suspect?.untilMs, seen.blocked?.untilMs, seen.lastFailure?.atMs, seen.lastCheckMs];
    for (const ms of times) if (ms !== undefined && Number.isFinite(ms)) new Date(ms).toISOString();

    const call = connectHealthBoard({ socketPath: server.socketPath });
    endings.push(() => call.close());
    await eventually('a call is connected', () => call.isConnected);
    call.report(id, { type: 'failure', trial: false, checkable: true, failure: { kind: 'auth', message: 'last' } });
    await eventually('what it met is known', () => board.health(id).lastFailure?.message === 'last');
  });
});

describe('the Redis channel', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.kill());

  const join = async (workerId: string, secret = 'shared by all workers') => {
    const board = new MemoryHealthBoard();
    const redisHealth = await joinRedis({ url: redis.url, board, workerId, secret, isKnown });
    endings.push(() => redisHealth.close());
    await eventually('it joined', () => redisHealth.isJoined);
    return board;
  };

  it('takes 10,000 broken messages, and old ones of our own sent again, for no news (seed 10)', async () => {
    const [one, other] = [await join('one'), await join('other')];
    const stranger = new Redis(redis.url);
    endings.push(() => stranger.disconnect());
    const heard: string[] = [];
    const listener = new Redis(redis.url);
    endings.push(() => listener.disconnect());
    await listener.subscribe('bulletproof:health');
    listener.on('message', (_channel: string, text: string) => void heard.push(text));
    one.report(id, failed(60_000));
    await eventually('the other knows', () => other.peek(id) === undefined);
    one.report(id, { type: 'success', trial: false, startedMs: systemClock.now() + 1 });
    await eventually('it is well again', () => other.peek(id) === 'ready');

    const habits = new Habits(10);
    const valid = [{ worker: 'evil', id, sentMs: 1e15, health }];
    for (let sent = 0; sent < MESSAGES; sent += 1) {
      const text = brokenLine(habits, valid);
      await stranger.publish('bulletproof:health', habits.chance(0.5) ? text : `${btoa('x'.repeat(32))} ${text}`);
    }
    await stranger.hset('bulletproof:health:states', 'x', `17 ${JSON.stringify(valid[0])}`);
    await stranger.publish('bulletproof:health', heard[0] as string);
    await stranger.publish('bulletproof:health', JSON.stringify(valid[0]));
    one.report(id, { type: 'failure', trial: false, checkable: true, failure: { kind: 'quota', message: 'the end' } });
    await eventually('news travel', () => other.health(id).lastFailure?.message === 'the end');
    expect(other.health(id).breaker.kind).toBe('open');
    expect([...other.all().keys()]).toEqual([id]);
    const late = await join('late');
    await eventually('one that comes later knows', () => late.health(id).lastFailure?.message === 'the end');
  }, 60_000);

  it('does not hear who has another secret', async () => {
    const [one, other] = [await join('a'), await join('b', 'another secret')];
    one.report(id, failed(60_000));
    const third = await join('c');
    await eventually('who has the secret knows', () => third.peek(id) === undefined);
    expect(other.peek(id)).toBe('ready');
  });
});
