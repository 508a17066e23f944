// What each kind of failure means for the provider: the disposition table as the board applies it.
import { describe, expect, it } from 'vitest';
import type { Failure, Outcome } from '../../src/failover/health.ts';
import { PROVIDER_ERROR_KINDS, type ProviderErrorKind } from '../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { FakeClock } from '../support/fake-clock.ts';

const id = 'tts/one';

function setUp() {
  const clock = new FakeClock();
  const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
  const fail = (kind: ProviderErrorKind, more: Partial<Failure> = {}, trial = false) =>
    board.report(id, { type: 'failure', trial, failure: { kind, message: kind, ...more }, checkable: true });
  const succeed = (more: Partial<Extract<Outcome, { type: 'success' }>> = {}) =>
    board.report(id, { type: 'success', trial: false, startedMs: clock.now(), ...more });
  return { clock, board, fail, succeed };
}

/** When it may be called again, in whole seconds; Infinity for not within an hour. */
async function againAfterSeconds(clock: FakeClock, board: MemoryHealthBoard): Promise<number> {
  for (let seconds = 0; seconds <= 3_600; seconds += 1) {
    if (board.peek(id)) return seconds;
    await clock.advance(1_000);
  }
  return Number.POSITIVE_INFINITY;
}

describe('one failure of each kind', () => {
  const table: readonly [ProviderErrorKind, number | undefined, number, string][] = [
    ['auth', undefined, Number.POSITIVE_INFINITY, 'open'],
    ['forbidden', undefined, Number.POSITIVE_INFINITY, 'open'],
    ['quota', undefined, 300, 'open'],
    ['quota', 20_000, 20, 'open'],
    ['rate-limit', undefined, 60, 'closed'],
    ['rate-limit', 7_000, 7, 'closed'],
    ['server', undefined, 60, 'closed'],
    ['server', 5_000, 5, 'closed'],
    ['unreachable', undefined, 60, 'closed'],
    ['timeout', undefined, 60, 'closed'],
    ['malformed', undefined, 60, 'closed'],
    ['invalid-request', undefined, 0, 'closed'],
    ['content-refusal', undefined, 0, 'closed'],
  ];

  it('covers every kind', () => {
    expect(new Set(table.map(([kind]) => kind))).toEqual(new Set(PROVIDER_ERROR_KINDS));
  });

  it.each(table)('%s with Retry-After %s: nobody calls it for %s s, the breaker is %s', async (...row) => {
    const [kind, retryAfterMs, seconds, breaker] = row;
    const { clock, board, fail } = setUp();
    fail(kind, { retryAfterMs });
    expect(board.health(id).breaker.kind).toBe(breaker);
    expect(await againAfterSeconds(clock, board)).toBe(seconds);
  });

  it('is known as the last one, with its words and status', () => {
    const { board, fail } = setUp();
    fail('server', { message: 'overloaded', status: 529 });
    expect(board.health(id).lastFailure).toEqual({ kind: 'server', message: 'overloaded', status: 529, atMs: 0 });
  });
});

describe('failures in a row', () => {
  it.each(['server', 'unreachable', 'timeout', 'malformed'] as const)('%s opens the breaker with the 5th', (kind) => {
    const { board, fail } = setUp();
    for (let failure = 1; failure <= 5; failure += 1) {
      expect(board.health(id).breaker.kind).toBe('closed');
      fail(kind);
    }
    expect(board.health(id).breaker.kind).toBe('open');
  });

  it('rate limits never open it', () => {
    const { board, fail } = setUp();
    for (let failure = 0; failure < 20; failure += 1) fail('rate-limit');
    expect(board.health(id).breaker).toEqual({ kind: 'closed', failures: 0 });
  });

  it('three invalid requests leave it alone for 60 s, unless one went well between', async () => {
    const { clock, board, fail, succeed } = setUp();
    fail('invalid-request');
    fail('invalid-request');
    await clock.advance(1);
    succeed();
    fail('invalid-request');
    fail('invalid-request');
    expect(board.peek(id)).toBe('ready');
    fail('invalid-request');
    expect(board.peek(id)).toBeUndefined();
    await clock.advance(60_000);
    expect(board.peek(id)).toBe('ready');
  });
});

describe('being suspect after the first failure', () => {
  it('lets nobody call it till a check passes; then calls are trials, and one that goes well ends it', async () => {
    const { clock, board, fail, succeed } = setUp();
    fail('server');
    expect(board.admit(id)).toBeUndefined();
    await clock.advance(2_000);
    board.report(id, { type: 'check-failed', failure: { kind: 'server', message: 'still' } });
    expect(board.admit(id)).toBeUndefined();
    await clock.advance(2_000);
    board.report(id, { type: 'check-passed' });
    expect([1, 2, 3, 4].map(() => board.admit(id))).toEqual(['trial', 'trial', 'trial', undefined]);
    succeed({ trial: true });
    expect(board.admit(id)).toBe('ready');
  });

  it('ends by itself after 30 s where nobody can check', async () => {
    const { clock, board } = setUp();
    const failure: Failure = { kind: 'unreachable', message: 'refused' };
    board.report(id, { type: 'failure', trial: false, failure, checkable: false });
    expect(await againAfterSeconds(clock, board)).toBe(30);
  });

  it('keeps count of trials that are still under way when another one fails', async () => {
    const { clock, board, fail } = setUp();
    fail('server');
    board.report(id, { type: 'check-passed' });
    for (let trial = 0; trial < 3; trial += 1) board.admit(id);
    fail('server', {}, true);
    await clock.advance(1_000);
    board.report(id, { type: 'check-passed' });
    expect([board.admit(id), board.admit(id)]).toEqual(['trial', undefined]);
  });
});

describe('what proves that a provider is well', () => {
  it('is no success that began before the failure', async () => {
    const { clock, board, fail, succeed } = setUp();
    await clock.advance(1_000);
    for (let failure = 0; failure < 5; failure += 1) fail('server');
    succeed({ startedMs: 500 });
    expect(board.health(id).breaker.kind).toBe('open');
    expect(board.peek(id)).toBeUndefined();
  });

  it('is a call of the last resort that went well, as much as a trial', async () => {
    const { clock, board, fail, succeed } = setUp();
    for (let failure = 0; failure < 5; failure += 1) fail('server');
    await clock.advance(100);
    succeed();
    expect(board.health(id).breaker.kind).toBe('half-open');
    succeed();
    expect(board.peek(id)).toBe('ready');
  });

  it('is not a check where calls failed five times: the breaker keeps its time', async () => {
    const { clock, board, fail } = setUp();
    for (let failure = 0; failure < 5; failure += 1) fail('timeout');
    await clock.advance(10_000);
    board.report(id, { type: 'check-passed' });
    expect(board.peek(id)).toBeUndefined();
    await clock.advance(50_000);
    expect(board.peek(id)).toBe('trial');
  });

  it('is a check where the key was refused, also when a last resort failed otherwise since', () => {
    const { board, fail } = setUp();
    fail('auth');
    fail('timeout');
    board.report(id, { type: 'check-passed' });
    expect(board.peek(id)).toBe('trial');
  });
});

describe('the board', () => {
  it('tells each change but mere latencies, and those apart', () => {
    const { board, fail, succeed } = setUp();
    const told: string[] = [];
    const stop = board.onChange((_, { failuresInRow }) => told.push(`change ${failuresInRow}`));
    board.onMeasure(() => told.push('measure'));
    succeed({ firstMs: 100 });
    fail('server');
    stop();
    fail('server');
    expect(told).toEqual(['measure', 'change 1']);
  });

  it('knows since when a provider has been well', async () => {
    const { clock, board, fail } = setUp();
    expect(board.health(id).wellSinceMs).toBe(Number.NEGATIVE_INFINITY);
    await clock.advance(5_000);
    fail('server');
    expect(board.health(id).wellSinceMs).toBe(5_000);
  });

  it('keeps stages of one vendor apart', () => {
    const { board, fail } = setUp();
    fail('auth');
    expect([board.peek(id), board.peek('stt/one')]).toEqual([undefined, 'ready']);
  });
});
