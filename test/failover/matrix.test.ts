// Every kind of failure at every stage, before the first result and after some: the next step is that of the disposition table.
import { describe, expect, it } from 'vitest';
import { DISPOSITIONS } from '../../src/failover/disposition.ts';
import { PROVIDER_ERROR_KINDS } from '../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { CHAINED, runStage, WORDS } from '../support/three-stages.ts';

const CASES = CHAINED.flatMap((stage) =>
  PROVIDER_ERROR_KINDS.flatMap((kind) => (['before', 'midway'] as const).map((when) => ({ stage, kind, when }))),
);

describe('the next step after a failure', () => {
  it.each(CASES)('$stage, $kind, $when', async ({ stage, kind, when }) => {
    const clock = new FakeClock();
    const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
    const { opened, words, switches, failures } = await runStage(stage, clock, board, { a: { kind, when } });
    expect(words).toEqual(WORDS);
    expect(switches).toMatchObject([{ stage, from: 'a', to: 'b', kind }]);

    // The same once more only while nothing was produced; a stream of speech has its own way back, beside who serves.
    const { again, breaker, coolDown } = DISPOSITIONS[kind];
    const isAgain = again === 'once' && when === 'before' && stage !== 'stt';
    const steps = isAgain ? ['a', 'a', 'b'] : ['a', 'b'];
    // Who is not to be left alone is gone back to at the end of the turn, within the same stream.
    const isAsked = (breaker === 'ignores' || breaker === 'untold') && coolDown === 'none';
    expect(opened).toEqual(isAsked && stage === 'stt' ? [...steps, 'a'] : steps);
    expect(new Set(failures)).toEqual(new Set([`a ${kind}`]));

    const { breaker: state, suspect, blocked, lastFailure } = board.health(`${stage}/a`);
    // What concerns this caller alone is never told to the board.
    expect(lastFailure?.kind).toBe(breaker === 'untold' ? undefined : kind);
    expect(state.kind).toBe(breaker === 'opens' ? 'open' : 'closed');
    expect(suspect !== undefined).toBe(breaker === 'counts');
    expect(blocked !== undefined).toBe(breaker === 'ignores' && coolDown !== 'none');

    const second = await runStage(stage, clock, board);
    expect(second.words).toEqual(WORDS);
    expect(second.opened).toEqual(isAsked ? ['a'] : expect.not.arrayContaining(['a']));
  });
});
