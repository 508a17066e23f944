// A worse class of links: free engines and what the configuration names serve when all others failed, never beside one that is late.
import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/failover/attempt.ts';
import { Failover, type FailoverLink } from '../../src/failover/failover.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import { raceForFirst } from '../../src/failover/race.ts';
import { TurnOpenings } from '../../src/failover/turn-openings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

const link = (id: string, isReserve = false): FailoverLink => ({
  id,
  traits: { languages: 'any', isReserve },
  client: {},
});

/** Links that answer after so long; those that are not named never do. */
function chainOf(links: readonly FailoverLink[], answersMs: Record<string, number>) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const served: string[] = [];
  const board = new MemoryHealthBoard(undefined, clock);
  const failover = new Failover('llm', links, {
    clock,
    board,
    onServes: (_stage, id, isReserve) => void served.push(isReserve ? `${id} as last resort` : id),
  });
  const turn = async () => {
    const race = raceForFirst({
      failover,
      tried: new Set<FailoverLink>(),
      turn: new TurnOpenings<FailoverLink>(),
      mayHedge: true,
      signal: new AbortController().signal,
      start: (attempt) => {
        asked.push(attempt.link.id);
        attempt.expectFirst();
        const first = new Promise<void>((resolve, reject) => {
          attempt.onTimeout(reject);
          const afterMs = answersMs[attempt.link.id];
          if (afterMs === undefined) return;
          clock.setTimeout(() => {
            attempt.result();
            resolve();
          }, afterMs);
        });
        return { first, cancel: () => undefined };
      },
    }).then((winner) => {
      if (winner) failover.serves(winner.attempt.link);
      winner?.attempt.succeed();
    });
    await clock.advance(10_000);
    await race;
  };
  return { turn, asked, served, failover, board, clock };
}

describe('a last resort', () => {
  it('is never asked beside one that is late', async () => {
    const { turn, asked, served } = chainOf([link('paid'), link('free', true)], { paid: 2_500, free: 5 });
    for (let turns = 0; turns < 6; turns += 1) await turn();
    expect(asked).toEqual(Array(6).fill('paid'));
    expect(served).toEqual(['paid']);
  });

  it('leaves the help to one of the same class', async () => {
    const links = [link('paid'), link('free', true), link('other')];
    const { turn, asked, served } = chainOf(links, { paid: 2_500, free: 5, other: 300 });
    await turn();
    expect(asked).toEqual(['paid', 'other']);
    expect(served).toEqual(['other']);
  });

  it('serves when all others have failed, which is told', async () => {
    const { turn, asked, served } = chainOf([link('paid'), link('free', true)], { free: 5 });
    await turn();
    expect(asked).toEqual(['paid', 'free']);
    expect(served).toEqual(['free as last resort']);
  });

  it('is nothing less where there are only such', async () => {
    const { turn, served } = chainOf([link('free', true)], { free: 5 });
    await turn();
    expect(served).toEqual(['free']);
  });

  it('stands in while one that failed is on trial', async () => {
    const answers: Record<string, number> = { free: 5 };
    const { turn, asked, served, clock } = chainOf([link('paid'), link('free', true)], answers);
    await turn();
    await clock.advance(60_000);
    answers.paid = 800;
    await turn();
    expect(asked.slice(2)).toEqual(['paid', 'free']);
    await turn();
    expect(served).toEqual(['free as last resort', 'paid']);
  });
});

describe('a hedge', () => {
  it.each([
    ['comes at once where no deadline ends the attempt', Number.POSITIVE_INFINITY, [1_000]],
    ['waits until the other may have failed where its deadline is later', 4_000, [1_600]],
  ])('of a chain that has hardly begun %s', async (_when, firstMs, expected) => {
    const { failover, clock } = chainOf([link('a'), link('b')], {});
    const attempt = failover.next(new Set()) as Attempt<FailoverLink>;
    const allowedMs: number[] = [];
    attempt.onLate(() => failover.mayHedge(attempt) && allowedMs.push(attempt.ageMs));
    attempt.expectFirst({ firstHelpMs: 1_000, firstMs });
    await clock.advance(3_000);
    expect(allowedMs).toEqual(expected);
  });

  it('that won changes nothing of who is asked next, and who lost it is not suspect', async () => {
    const { turn, asked, board } = chainOf([link('a'), link('b')], { a: 2_500, b: 300 });
    await turn();
    await turn();
    expect(asked).toEqual(['a', 'b', 'a', 'b']);
    expect(board.peek('llm/a')).toBe('ready');
    expect(board.health('llm/a').lastFailure).toBeUndefined();
  });

  it('goes along with a trial only where the budget has one, while another is well', async () => {
    const { failover, board } = chainOf([link('a'), link('b')], {});
    board.report('llm/a', {
      type: 'failure',
      trial: false,
      checkable: true,
      failure: { kind: 'timeout', message: 'late' },
    });
    board.report('llm/a', { type: 'check-passed' });
    const given = Array.from({ length: 5 }, () => {
      const attempt = failover.next(new Set());
      attempt?.release();
      return `${attempt?.link.id}${attempt?.isTrial ? ' on trial' : ''}`;
    });
    expect(given).toEqual(['a on trial', 'a on trial', 'a on trial', 'b', 'b']);
  });
});

it('a wait in vain is learned from, so that the next one gets the help in time', async () => {
  const { turn, board } = chainOf([link('a'), link('b')], { b: 300 });
  await turn();
  expect(board.health('llm/a').first).toMatchObject({ count: 1, p50: 3_000 });
});

it('a refusal of what was said is nobody else’s business', async () => {
  const { failover, board } = chainOf([link('a'), link('b')], {});
  const refused = () => new ProviderError({ kind: 'content-refusal', provider: 'a', message: 'no' });
  for (let times = 0; times < 5; times += 1) failover.next(new Set())?.fail(refused());
  await settle();
  expect(board.peek('llm/a')).toBe('ready');
  expect(board.health('llm/a').lastFailure).toBeUndefined();
});
