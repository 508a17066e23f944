// Free checks: when they run, what they tell the board, and what never goes wrong with them.
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { type CheckTarget, HealthChecks } from '../../src/health/checks.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { FakeClock } from '../support/fake-clock.ts';

const id = 'tts/one';
type Check = CheckTarget['check'];

/** Checks `id` with a chance that is always the middle, unless told otherwise. */
function setUp(check: Check, { random = (): number => 0.5, ids = [id] } = {}) {
  const clock = new FakeClock();
  const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
  const checkedAt: number[] = [];
  const events: string[] = [];
  const target = (targetId: string): CheckTarget => ({
    id: targetId,
    check: (signal) => {
      checkedAt.push(clock.now());
      return check(signal);
    },
  });
  const checks = new HealthChecks({
    board,
    clock,
    random,
    settings: DEFAULT_FAILOVER,
    targets: ids.map(target),
    onReconnecting: (_, attempt, waitMs) => events.push(`reconnecting ${attempt} in ${waitMs}`),
    onReconnected: (_, attempts) => events.push(`reconnected after ${attempts}`),
    onReconnectFailed: (_, attempts, { kind }) => events.push(`failed after ${attempts}: ${kind}`),
  });
  const fail = (retryAfterMs?: number) => {
    const failure = { kind: 'server' as const, message: 'overloaded', retryAfterMs };
    board.report(id, { type: 'failure', trial: false, failure, checkable: true });
  };
  return { clock, board, checks, checkedAt, events, fail };
}

const passes: Check = async () => undefined;
const refuses: Check = async () => {
  throw new ProviderError({ kind: 'unreachable', provider: id, message: 'refused' });
};

describe('health checks', () => {
  it('run every 30 s while all is well', async () => {
    const { clock, checkedAt, events, board } = setUp(passes);
    await clock.advance(80_000);
    expect(checkedAt).toEqual([15_000, 45_000, 75_000]);
    expect(board.health(id).lastCheckMs).toBe(75_000);
    expect(events).toEqual([]);
  });

  it('are spread out, so that not all run at once', async () => {
    let chance = 0;
    const random = () => {
      chance = (chance + 0.37) % 1;
      return chance;
    };
    const { clock, checkedAt } = setUp(passes, { random, ids: ['a', 'b', 'c', 'd', 'e'] });
    await clock.advance(60_000);
    expect(new Set(checkedAt).size).toBe(checkedAt.length);
    expect(checkedAt.length).toBeGreaterThanOrEqual(9);
  });

  it('come 1, 2, 4, 8, 16 s after one another when a call failed, then every 30 s, till one passes', async () => {
    let isWell = false;
    const { clock, board, checkedAt, events, fail } = setUp((signal) => (isWell ? passes : refuses)(signal));
    fail();
    await clock.advance(95_000);
    expect(checkedAt).toEqual([1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
    expect(events).toEqual([
      'reconnecting 1 in 1000',
      'reconnecting 2 in 2000',
      'reconnecting 3 in 4000',
      'reconnecting 4 in 8000',
      'reconnecting 5 in 16000',
      'failed after 5: unreachable',
    ]);
    expect(board.health(id).lastFailure?.message).toBe('refused');
    isWell = true;
    await clock.advance(30_000);
    expect(events.at(-1)).toBe('reconnected after 8');
  });

  it('let calls be tried again as soon as one passes, and then run as before', async () => {
    const { clock, board, checkedAt, events, fail } = setUp(passes);
    fail();
    await clock.advance(999);
    expect(board.peek(id)).toBeUndefined();
    await clock.advance(1);
    expect(board.admit(id)).toBe('trial');
    // A cancelled trial changes the board, but is no failure.
    board.report(id, { type: 'release', trial: true });
    await clock.advance(31_000);
    expect(checkedAt).toEqual([1_000, 31_000]);
    expect(events).toEqual(['reconnecting 1 in 1000', 'reconnected after 1']);
  });

  it('wait for the time that the provider named', async () => {
    const { clock, checkedAt, fail } = setUp(passes);
    fail(9_000);
    await clock.advance(10_000);
    expect(checkedAt).toEqual([9_000]);
  });

  it('end when a call went well meanwhile', async () => {
    const { clock, board, events, fail, checkedAt } = setUp(refuses);
    fail();
    await clock.advance(1_500);
    board.report(id, { type: 'success', trial: false, startedMs: clock.now() });
    expect(events.at(-1)).toBe('reconnected after 1');
    await clock.advance(5_000);
    expect(checkedAt).toEqual([1_000]);
  });

  it('find an outage before any call does', async () => {
    const { clock, board, checkedAt } = setUp(refuses);
    await clock.advance(16_000);
    expect(checkedAt).toEqual([15_000, 16_000]);
    expect(board.peek(id)).toBeUndefined();
  });

  it('get 5 s at most and never overlap', async () => {
    let running = 0;
    let most = 0;
    const { clock, board, checkedAt } = setUp((signal) => {
      running += 1;
      most = Math.max(most, running);
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          running -= 1;
          reject(new Error('aborted'));
        }),
      );
    });
    await clock.advance(19_999);
    expect(board.peek(id)).toBe('ready');
    await clock.advance(1);
    expect(board.health(id).lastFailure?.kind).toBe('timeout');
    await clock.advance(300_000);
    expect(most).toBe(1);
    expect(checkedAt.length).toBeGreaterThan(8);
  });

  it.each([
    [
      'throws at once',
      () => {
        throw new TypeError('a defect');
      },
    ],
    ['rejects with no error', () => Promise.reject(undefined)],
    ['rejects with a text', () => Promise.reject('gone')],
  ] as readonly [string, Check][])('never throw outward: one that %s is a failure', async (_, check) => {
    const { clock, board } = setUp(check);
    await clock.advance(15_000);
    expect(board.health(id).lastFailure?.kind).toBe('server');
  });

  it('leave nothing behind when they are stopped, not even one under way', async () => {
    const { clock, board, checks, fail } = setUp(
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    await clock.advance(15_000);
    checks.stop();
    await clock.advance(0);
    expect(clock.pending).toBe(0);
    fail();
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
    expect(board.health(id).lastFailure?.message).toBe('overloaded');
  });
});
