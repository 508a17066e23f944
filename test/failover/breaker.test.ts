// Scenario 11, sentence by sentence.
import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/failover/breaker.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';

const settings = DEFAULT_FAILOVER.breaker;

function opened(atMs = 0): Breaker {
  const breaker = new Breaker(settings);
  for (let failure = 0; failure < 5; failure += 1) breaker.fail(atMs);
  return breaker;
}

function admitted(breaker: Breaker, times: number, nowMs: number): boolean[] {
  return Array.from({ length: times }, () => breaker.admit(nowMs));
}

describe('11. breaker: closed → open after 5, rejects while open, half-open after 60 s, 3 trials, closed after 2', () => {
  it('admits every call while it is closed', () => {
    expect(admitted(new Breaker(settings), 20, 0)).not.toContain(false);
  });

  it('stays closed after 4 failures in a row and opens with the 5th', () => {
    const breaker = new Breaker(settings);
    for (let failure = 0; failure < 4; failure += 1) breaker.fail(0);
    expect(breaker.state(0)).toEqual({ kind: 'closed', failures: 4 });
    breaker.fail(0);
    expect(breaker.state(0)).toEqual({ kind: 'open', untilMs: 60_000 });
  });

  it('counts only failures in a row', () => {
    const breaker = new Breaker(settings);
    for (let round = 0; round < 10; round += 1) {
      for (let failure = 0; failure < 4; failure += 1) breaker.fail(0);
      breaker.succeed(0);
    }
    expect(breaker.state(0)).toEqual({ kind: 'closed', failures: 0 });
  });

  it('rejects while it is open, and no failure makes that longer', () => {
    const breaker = opened();
    expect(admitted(breaker, 3, 0)).toEqual([false, false, false]);
    breaker.fail(50_000);
    expect(breaker.admit(59_999)).toBe(false);
    expect(breaker.state(60_000).kind).toBe('half-open');
  });

  it('admits 3 trials at once when it is half-open, and the next when one of them is over', () => {
    const breaker = opened();
    expect(admitted(breaker, 5, 60_000)).toEqual([true, true, true, false, false]);
    breaker.release(60_000);
    expect(admitted(breaker, 2, 60_000)).toEqual([true, false]);
  });

  it('closes after 2 successes, not after 1', () => {
    const breaker = opened();
    breaker.admit(60_000);
    breaker.succeed(60_000);
    expect(breaker.state(60_000)).toEqual({ kind: 'half-open', trials: 0, successes: 1 });
    breaker.admit(60_000);
    breaker.succeed(60_000);
    expect(breaker.state(60_000)).toEqual({ kind: 'closed', failures: 0 });
  });

  it('is opened again by 1 failure, for another 60 s', () => {
    const breaker = opened();
    breaker.admit(61_000);
    breaker.succeed(61_000);
    breaker.admit(61_000);
    breaker.fail(62_000);
    expect(breaker.state(121_999)).toEqual({ kind: 'open', untilMs: 122_000 });
    expect(breaker.state(122_000)).toEqual({ kind: 'half-open', trials: 0, successes: 0 });
  });

  it('gives no place back for a success that was no trial', () => {
    const breaker = opened();
    admitted(breaker, 3, 60_000);
    breaker.succeed(60_000, false);
    expect(breaker.admit(60_000)).toBe(false);
  });

  it('opened until a change, stays open for ever and can be tried after the change', () => {
    const breaker = new Breaker(settings);
    breaker.open(Number.POSITIVE_INFINITY);
    expect(breaker.admit(Number.MAX_SAFE_INTEGER)).toBe(false);
    breaker.halfOpen();
    expect(breaker.admit(0)).toBe(true);
  });

  it.each([
    ['failures', 0],
    ['openMs', -1],
    ['trials', Number.NaN],
    ['successes', 0.5],
  ])('refuses %s = %d in words', (name, value) => {
    expect(() => new Breaker({ ...settings, [name]: value })).toThrow(`breaker.${name} must be at least 1`);
  });
});
