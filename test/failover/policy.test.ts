// Waits, budgets and the order of links: small numbers that decide much.
import { describe, expect, it } from 'vitest';
import type { ProviderTraits } from '../../src/config/provider.ts';
import { backoffMs, MAX_ATTEMPTS, MAX_ROUNDS, roundWaitMs } from '../../src/failover/backoff.ts';
import { learnedDeadlineMs, learnedHelpMs, learnedUrgentMs, STAGE_DEADLINES } from '../../src/failover/deadline.ts';
import { HedgeBudget } from '../../src/failover/hedge.ts';
import { LatencyWindow } from '../../src/failover/latency.ts';
import { type OrderOptions, orderLinks } from '../../src/failover/order.ts';
import { RetryBudget } from '../../src/failover/retry-budget.ts';
import { TurnOpenings } from '../../src/failover/turn-openings.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('back-off', () => {
  it('waits 1, 2, 4, 8, 16 s, and no longer after that', () => {
    const waits = [1, 2, 3, 4, 5, 6, 50].map((attempt) => backoffMs(attempt, () => 0.5));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
    expect(MAX_ATTEMPTS).toBe(5);
  });

  it('is 20 % shorter to longer by chance', () => {
    expect(backoffMs(2, () => 0)).toBeCloseTo(1_600);
    expect(backoffMs(2, () => 1)).toBeCloseTo(2_400);
  });

  it('of what a caller waits for is 4 s at most, and such rounds go on for more than half a minute', () => {
    const waits = Array.from({ length: MAX_ROUNDS }, (_, i) => roundWaitMs(i + 1, () => 0.5));
    expect(waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 4_000, 4_000]);
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(30_000 / 0.9);
  });
});

describe('measured latencies', () => {
  it('are the last 200, by their ranks', () => {
    const window = new LatencyWindow();
    expect(window.summary()).toBeUndefined();
    for (let ms = 1; ms <= 1_000; ms += 1) window.add(ms);
    expect(window.summary()).toEqual({ count: 200, p50: 900, p90: 980, p95: 990 });
  });

  it('of one result are that one', () => {
    const window = new LatencyWindow();
    window.add(70);
    expect(window.summary()).toEqual({ count: 1, p50: 70, p90: 70, p95: 70 });
  });
});

describe('a deadline', () => {
  const measured = (p95: number, count = 200) => ({ count, p50: p95, p90: p95, p95 });

  it.each([
    ['its ceiling before anything is measured', undefined, 1_000],
    ['its ceiling after a few results', measured(50, 19), 1_000],
    ['three times the usual', measured(250), 750],
    ['no less than half its ceiling for the very quick', measured(10), 500],
    ['no more than its ceiling for the slow', measured(900), 1_000],
  ])('is %s', (_, summary, expected) => {
    expect(learnedDeadlineMs(1_000, summary)).toBe(expected);
  });
});

describe('help', () => {
  it('comes when nine in ten results would have come, and no sooner than the stage says', () => {
    const measured = { count: 10, p50: 100, p90: 600, p95: 800 };
    expect(learnedHelpMs(400, 3_000, measured, 200)).toBe(600);
    expect(learnedHelpMs(700, 3_000, measured, 200)).toBe(700);
    expect(learnedHelpMs(400, 3_000, { ...measured, count: 9 }, 300)).toBe(600);
    expect(learnedHelpMs(400, 3_000, undefined)).toBe(400);
  });

  it('never comes so near the deadline that it could not help', () => {
    expect(learnedHelpMs(400, 1_000, undefined, 900)).toBe(700);
    expect(learnedUrgentMs(1_000, { count: 10, p50: 100, p90: 800, p95: 900 })).toBe(700);
  });

  it('is urgent when much of the wait has passed, and of a slow vendor when more than nineteen in twenty would have come', () => {
    expect(learnedUrgentMs(3_000, undefined)).toBe(1_200);
    expect(learnedUrgentMs(3_000, undefined, 600)).toBeCloseTo(1_584);
    expect(learnedUrgentMs(3_000, { count: 9, p50: 900, p90: 1_500, p95: 1_800 })).toBe(1_200);
    expect(learnedUrgentMs(3_000, { count: 10, p50: 900, p90: 1_500, p95: 1_800 })).toBeCloseTo(1_980);
  });

  it('comes well before the blame at every stage', () => {
    for (const { firstHelpMs, firstMs, connectHelpMs, connectMs } of Object.values(STAGE_DEADLINES)) {
      expect(firstHelpMs).toBeLessThan(firstMs * 0.6);
      if (Number.isFinite(connectMs)) expect(connectHelpMs).toBeLessThan(connectMs * 0.6);
    }
  });
});

describe('the budget of hedges', () => {
  it('is no more than 5 % of the starts', () => {
    const budget = new HedgeBudget(0.05, new FakeClock());
    let hedges = 0;
    for (let start = 0; start < 10_000; start += 1) {
      budget.started();
      if (budget.spend(false)) hedges += 1;
    }
    expect(hedges).toBeGreaterThanOrEqual(499);
    expect(hedges).toBeLessThanOrEqual(500);
  });

  it('always has three in a minute for who may have failed, and saves up no more', async () => {
    const clock = new FakeClock();
    const budget = new HedgeBudget(0.05, clock);
    const spend = (isUrgent: boolean) => [1, 2, 3, 4].map(() => budget.spend(isUrgent));
    expect(spend(false)).toEqual([false, false, false, false]);
    expect(spend(true)).toEqual([true, true, true, false]);
    await clock.advance(59_000);
    expect(budget.spend(true)).toBe(false);
    await clock.advance(1_000);
    for (let start = 0; start < 1_000; start += 1) budget.started();
    expect(spend(false)).toEqual([true, true, true, false]);
  });

  it('is off at a share of 0, and refuses a share that is none', () => {
    expect(new HedgeBudget(0, new FakeClock()).spend(true)).toBe(false);
    for (const share of [-0.1, 1.1, Number.NaN])
      expect(() => new HedgeBudget(share, new FakeClock())).toThrow('from 0 to 1');
  });
});

describe('a turn', () => {
  it('leaves a link that failed twice in it, and opens five at most', () => {
    const turn = new TurnOpenings<string>();
    turn.failed('a');
    expect(turn.allows('a')).toBe(true);
    turn.failed('a');
    expect([turn.allows('a'), turn.allows('b')]).toEqual([false, true]);
    for (let opening = 0; opening < 5; opening += 1) turn.opened();
    expect(turn.allows('b')).toBe(false);
    turn.startOver();
    expect([turn.allows('a'), turn.allows('b')]).toEqual([true, true]);
  });
});

describe('the retry budget', () => {
  it('allows no more retries once half of it is gone', () => {
    const budget = new RetryBudget();
    const allowed = [1, 2, 3, 4, 5, 6].map(() => {
      budget.failed();
      return budget.allows();
    });
    expect(allowed).toEqual([true, true, true, true, false, false]);
  });

  it('comes back slowly: ten successes for each failure', () => {
    const budget = new RetryBudget();
    for (let failure = 0; failure < 100; failure += 1) budget.failed();
    let successes = 0;
    while (!budget.allows()) {
      budget.succeeded();
      successes += 1;
    }
    expect(successes).toBeGreaterThanOrEqual(50);
    expect(successes).toBeLessThanOrEqual(52);
  });
});

describe('the order of links', () => {
  const link = (id: string, priority: number, traits: Partial<ProviderTraits> = {}) => ({
    id,
    priority,
    traits: { languages: 'any' as const, ...traits },
  });
  const order = (links: ReturnType<typeof link>[], options: Partial<OrderOptions> = {}) =>
    orderLinks(links, { turn: 0, ...options })
      .map(({ id }) => id)
      .join(' ');
  const three = [
    link('a', 1, { usdPerMinute: 0.03, quality: 0.7, regions: ['us'] }),
    link('b', 1, { usdPerMinute: 0.01, quality: 0.9, regions: ['eu'] }),
    link('c', 1),
  ];

  it('is that of the priorities first', () => {
    expect(order([link('last', 3), link('first', 1), link('second', 2)], { orderBy: 'cost' })).toBe(
      'first second last',
    );
  });

  it('prefers the cheapest, and what has no price comes last', () => {
    expect(order(three, { orderBy: 'cost' })).toBe('b a c');
  });

  it('prefers the best', () => {
    expect(order(three, { orderBy: 'quality' })).toBe('b a c');
  });

  it('prefers what is served from here', () => {
    expect(order(three, { orderBy: 'region', region: 'eu' })).toBe('b a c');
  });

  it('prefers who serves the fewest', () => {
    const load: Record<string, number> = { a: 5, b: 9, c: 1 };
    expect(order(three, { orderBy: 'load', load: (id) => load[id] as number })).toBe('c a b');
  });

  it('takes turns among equals, within their priority', () => {
    const links = [link('a', 1), link('b', 1), link('c', 1), link('z', 2)];
    const turns = [0, 1, 2, 3].map((turn) => order(links, { turn }));
    expect(turns).toEqual(['a b c z', 'b c a z', 'c a b z', 'a b c z']);
  });
});
