// Boards of several workers on a real Redis, which is killed and comes back.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/failover/health.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { joinRedis, type RedisHealth } from '../../src/health/redis.ts';
import { eventually } from '../support/eventually.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

const id = 'tts/one';
const failed: Outcome = {
  type: 'failure',
  trial: false,
  failure: { kind: 'auth', message: 'refused', status: 401 },
  checkable: true,
};
const SECRET = 'a secret that all workers share';
const now = () => performance.timeOrigin + performance.now();

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.kill());

const joined: RedisHealth[] = [];
afterEach(async () => {
  for (const redisHealth of joined.splice(0)) await redisHealth.close();
});

/** A worker whose clock is wrong by so much. */
async function worker(workerId: string, offMs = 0, url = redis.url, secret = SECRET) {
  const clock = {
    now: () => now() + offMs,
    setTimeout: (run: () => void, ms: number) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
  const board = new MemoryHealthBoard(undefined, clock);
  const log: string[] = [];
  const isKnown = (name: string) => !name.startsWith('unknown/');
  const redisHealth = await joinRedis({ url, board, clock, workerId, secret, isKnown, log: (line) => log.push(line) });
  joined.push(redisHealth);
  return { board, redisHealth, log, clock };
}

async function two(names: readonly [string, string]) {
  const one = await worker(names[0]);
  const other = await worker(names[1], 5_000);
  await eventually('both joined', () => one.redisHealth.isJoined && other.redisHealth.isJoined);
  return [one, other] as const;
}

async function timeUntil(what: string, isSo: () => boolean): Promise<string> {
  const startMs = now();
  await eventually(what, isSo, 2_000);
  return `${(now() - startMs).toFixed(1)} ms`;
}

describe('two workers on one Redis, one of them with a clock 5 s ahead', () => {
  it('know of an outage that the other met, of its end, and so does a worker that starts later', async () => {
    const [one, other] = await two(['a1', 'a2']);
    one.board.report(id, failed);
    const known = await timeUntil('the outage is known', () => other.board.peek(id) === undefined);
    process.stdout.write(`an outage was known to the second worker after ${known}\n`);
    expect(other.board.health(id).lastFailure).toMatchObject({ kind: 'auth', status: 401 });

    const third = await worker('a3', -5_000);
    await eventually('a worker that starts later knows', () => third.board.peek(id) === undefined);

    for (let success = 0; success < 2; success += 1) {
      one.board.report(id, { type: 'success', trial: false, startedMs: one.clock.now() });
    }
    const well = await timeUntil('the end is known', () => other.board.peek(id) === 'ready');
    process.stdout.write(`its end was known to the second worker after ${well}\n`);
    await eventually('the third knows too', () => third.board.peek(id) === 'ready');
  });

  it('take a check that passed at one for both', async () => {
    const [one, other] = await two(['b1', 'b2']);
    const checked = 'stt/checked';
    other.board.report(checked, failed);
    await eventually('the outage is known', () => one.board.peek(checked) === undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    one.board.report(checked, { type: 'check-passed' });
    await eventually('trials may begin', () => other.board.peek(checked) === 'trial');
  });

  it('do without a Redis that is killed, and tell each other what they met when it is back', async () => {
    const [one, other] = await two(['c1', 'c2']);
    const lost = 'llm/lost';
    await redis.kill();
    await eventually('both noticed', () => !one.redisHealth.isJoined && !other.redisHealth.isJoined);
    one.board.report(lost, failed);
    expect(one.board.peek(lost)).toBeUndefined();
    expect(other.board.peek(lost)).toBe('ready');
    await redis.start();
    await eventually('the other knows', () => other.board.peek(lost) === undefined, 15_000);
    await eventually('both say so', () => one.log.length === 2 && other.log.length === 2);
    for (const { log } of [one, other]) {
      expect(log[0]).toContain('Redis does not answer');
      expect(log[1]).toContain('Redis is back');
    }
  }, 30_000);
});

describe('no Redis', () => {
  it.each([
    ['nothing listens', false],
    ['it takes connections and never answers', true],
  ])('%s: the board works as ever, and closing does not wait', async (_, isBlackHole) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    if (!isBlackHole) server.close();
    const { board, redisHealth, log } = await worker('d1', 0, `redis://127.0.0.1:${port}`);
    board.report(id, failed);
    expect(board.peek(id)).toBeUndefined();
    if (!isBlackHole) await eventually('one line is logged', () => log.length > 0);
    else await eventually('it connected', () => sockets.length === 2);
    await redisHealth.close();
    for (const socket of sockets) socket.destroy();
    if (isBlackHole) server.close();
    expect(log.length).toBeLessThanOrEqual(1);
  });
});
