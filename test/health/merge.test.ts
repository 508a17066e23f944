// Two boards that saw the same provider: what each knows after it heard of the other.
import { describe, expect, it } from 'vitest';
import type { Failure, Outcome } from '../../src/failover/health.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { mergeHealth } from '../../src/health/merge.ts';
import { healthFromAges, healthToAges, parseHealth } from '../../src/health/protocol.ts';
import { FakeClock } from '../support/fake-clock.ts';

const id = 'stt/one';

/** Two boards on clocks 7 s apart; `tell` carries a state from one to the other as JSON. */
function setUp() {
  const board = (offMs: number) => {
    const own = { now: () => clock.now() + offMs, setTimeout: clock.setTimeout.bind(clock) };
    return { board: new MemoryHealthBoard(DEFAULT_FAILOVER, own), now: own.now };
  };
  const clock = new FakeClock();
  const [one, two] = [board(0), board(7_000)];
  const tell = (from: typeof one, to: typeof one) => {
    const text = JSON.stringify(healthToAges(from.board.health(id), from.now()));
    const health = parseHealth(JSON.parse(text));
    if (!health) throw new Error(`no health: ${text}`);
    to.board.restore(id, mergeHealth(to.board.health(id), healthFromAges(health, to.now())));
  };
  return { clock, one, two, tell };
}

function failure(kind: Failure['kind'], retryAfterMs?: number): Outcome {
  return { type: 'failure', trial: false, failure: { kind, message: kind, retryAfterMs }, checkable: true };
}

function success(startedMs: number): Outcome {
  return { type: 'success', trial: false, startedMs };
}

describe('what one board knows after another', () => {
  it('is the same when both clocks differ', async () => {
    const { clock, one, two, tell } = setUp();
    one.board.report(id, failure('quota', 20_000));
    tell(one, two);
    await clock.advance(19_999);
    expect(two.board.peek(id)).toBeUndefined();
    await clock.advance(1);
    expect(two.board.peek(id)).toBe('trial');
  });

  it('is in order though news take different times on their way', async () => {
    const { clock, one, two } = setUp();
    const arrive = (onItsWayMs: number) => {
      const health = healthToAges(one.board.health(id), one.now());
      two.board.restore(id, mergeHealth(two.board.health(id), healthFromAges(health, two.now() + onItsWayMs)));
    };
    one.board.report(id, failure('auth'));
    arrive(80);
    expect(two.board.peek(id)).toBeUndefined();
    await clock.advance(5);
    one.board.report(id, success(one.now()));
    arrive(20);
    expect(two.board.peek(id)).toBe('trial');
    one.board.report(id, success(one.now()));
    arrive(1);
    expect(two.board.peek(id)).toBe('ready');
  });

  it('is the worse of both, until its time is over', async () => {
    const { clock, one, two, tell } = setUp();
    one.board.report(id, failure('rate-limit', 10_000));
    two.board.report(id, failure('rate-limit', 30_000));
    tell(one, two);
    tell(two, one);
    await clock.advance(29_999);
    expect([one.board.peek(id), two.board.peek(id)]).toEqual([undefined, undefined]);
    await clock.advance(1);
    expect([one.board.peek(id), two.board.peek(id)]).toEqual(['ready', 'ready']);
  });

  it('is for ever where only a change can help', async () => {
    const { clock, one, two, tell } = setUp();
    one.board.report(id, failure('auth'));
    tell(one, two);
    await clock.advance(24 * 3_600_000);
    expect(two.board.peek(id)).toBeUndefined();
  });

  it('is that it is well when a call that began after the failure went well elsewhere', async () => {
    const { clock, one, two, tell } = setUp();
    one.board.report(id, failure('server'));
    tell(one, two);
    await clock.advance(1_000);
    two.board.report(id, success(two.now()));
    tell(two, one);
    expect(one.board.peek(id)).toBe('ready');
  });

  it('is not that it is well when that call began before the failure', async () => {
    const { clock, one, two, tell } = setUp();
    const startedMs = two.now();
    await clock.advance(100);
    one.board.report(id, failure('server'));
    two.board.report(id, success(startedMs));
    tell(two, one);
    expect(one.board.peek(id)).toBeUndefined();
    tell(one, two);
    expect(two.board.peek(id)).toBeUndefined();
  });

  it('is not an outage from before its own success', async () => {
    const { clock, one, two, tell } = setUp();
    one.board.report(id, failure('auth'));
    await clock.advance(100);
    two.board.report(id, success(two.now()));
    tell(one, two);
    expect(two.board.peek(id)).toBe('ready');
  });

  it('is that trials may begin when a check passed elsewhere', async () => {
    const { clock, one, two, tell } = setUp();
    one.board.report(id, failure('forbidden'));
    one.board.report(id, failure('server'));
    tell(one, two);
    await clock.advance(1_000);
    two.board.report(id, { type: 'check-passed' });
    tell(two, one);
    expect(one.board.peek(id)).toBe('trial');
  });

  it('counts only its own trials', () => {
    const { one, two, tell } = setUp();
    one.board.report(id, failure('server'));
    one.board.report(id, { type: 'check-passed' });
    for (let trial = 0; trial < 3; trial += 1) one.board.admit(id);
    tell(one, two);
    expect(two.board.peek(id)).toBe('trial');
  });

  it('is told to nobody twice: hearing the same again is no change', () => {
    const { one, two, tell } = setUp();
    let changes = 0;
    two.board.onChange(() => {
      changes += 1;
    });
    one.board.report(id, failure('server'));
    for (let times = 0; times < 3; times += 1) tell(one, two);
    expect(changes).toBe(1);
  });
});
