// A connection that is accepted and closed within 5 s three times: how some vendors refuse a key. Counted over all calls.
import { describe, expect, it } from 'vitest';
import { Failover, type FailoverLink } from '../../src/failover/failover.ts';
import { ProviderError, type ProviderErrorKind } from '../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { FakeClock } from '../support/fake-clock.ts';

const key = 'stt/one#0a0b0c0d';

function setUp({ checkable = true } = {}) {
  const clock = new FakeClock();
  const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
  const link: FailoverLink = {
    id: 'one',
    traits: { languages: 'any' },
    client: checkable ? { check: async () => undefined } : {},
    keyFingerprint: '0a0b0c0d',
  };
  /** Each in a call of its own, when the outage is not suspected any more. */
  const call = async (stoodMs: number | undefined, kind: ProviderErrorKind = 'unreachable', words = false) => {
    const failover = new Failover('stt', [link], { board, clock });
    const attempt = failover.next(new Set());
    if (!attempt) throw new Error('the link may not be called');
    if (words) attempt.result();
    const error = new ProviderError({ kind, provider: 'one', message: 'closed' });
    error.stoodMs = stoodMs;
    attempt.fail(error);
    await clock.advance(61_000);
  };
  const succeed = () => {
    const attempt = new Failover('stt', [link], { board, clock }).next(new Set());
    attempt?.result();
    attempt?.succeed();
  };
  return { clock, board, call, succeed };
}

describe('a connection that is accepted and closed at once', () => {
  it('three times in a row, in three calls, is taken for a refused key', async () => {
    const { board, call } = setUp();
    await call(4_999);
    await call(20);
    expect(board.health(key).breaker.kind).toBe('closed');
    await call(300);
    expect(board.health(key).breaker).toEqual({ kind: 'open', untilMs: Number.POSITIVE_INFINITY });
    expect(board.health(key).lastFailure).toMatchObject({ kind: 'auth' });
    expect(board.peek(key)).toBeUndefined();
  });

  it('may be tried again once a free check passes, and is refused again by one more', async () => {
    const { board, call, succeed } = setUp();
    for (let time = 0; time < 3; time += 1) await call(10);
    board.report(key, { type: 'check-passed' });
    expect(board.peek(key)).toBe('trial');
    await call(10);
    expect(board.peek(key)).toBeUndefined();
    board.report(key, { type: 'check-passed' });
    succeed();
    succeed();
    expect(board.peek(key)).toBe('ready');
    await call(10);
    expect(board.health(key).breaker.kind).toBe('closed');
  });

  it('is only a guess: where nothing can be checked it holds for five minutes', async () => {
    const { clock, board, call } = setUp({ checkable: false });
    for (let time = 0; time < 3; time += 1) await call(10);
    expect(board.peek(key)).toBeUndefined();
    await clock.advance(300_000);
    expect(board.peek(key)).toBe('trial');
  });

  it.each([
    ['one that never stood', undefined, 'unreachable', false],
    ['one that stood for 5 s', 5_000, 'unreachable', false],
    ['one that gave words', 100, 'unreachable', true],
    ['one whose vendor named its own fault', 100, 'server', false],
  ] as const)('is not %s', async (_, stoodMs, kind, words) => {
    const { board, call } = setUp();
    for (let time = 0; time < 4; time += 1) await call(stoodMs, kind, words);
    expect(board.health(key).breaker.kind).toBe('closed');
  });

  it('is forgotten once a call goes well between', async () => {
    const { board, call, succeed } = setUp();
    await call(10);
    await call(10);
    succeed();
    await call(10);
    await call(10);
    expect(board.health(key).breaker.kind).toBe('closed');
  });
});
