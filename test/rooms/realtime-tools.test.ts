// A tool runs in a real call when its speech-to-speech model dies: it runs once, and whoever serves next tells its result.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../fixtures/faults.ts';
import { type LinkName, type RealtimeCall, type RealtimeCalls, startRealtimeCalls } from './support/realtime-calls.ts';
import { type Script, say, wordsOf } from './support/realtime-vendors.ts';
import { always } from './support/vendor-calls.ts';

interface DyingTurn {
  readonly how: string;
  readonly fault: Fault;
  /** Its vendor can't be reached afterwards. */
  readonly isOutage?: true;
  readonly serves: LinkName;
}

const TURNS: readonly DyingTurn[] = [
  { how: 'its socket is dropped: the same vendor', fault: { kind: 'drop', after: 0 }, serves: 'openai' },
  {
    how: 'the vendor is down: the other one',
    fault: { kind: 'drop', after: 0, code: 1011 },
    isOutage: true,
    serves: 'gemini',
  },
  {
    how: 'the other one goes silent and is down: the pipeline',
    fault: { kind: 'stall', after: 0 },
    isOutage: true,
    serves: 'pipeline',
  },
];

const unavailable: Fault = { kind: 'status', status: 503 };

describe('16. a tool is in flight when the model dies', () => {
  let calls: RealtimeCalls;
  let call: RealtimeCall;
  let turns = 0;
  /** One call of the tool in each turn, and its result in a sentence. */
  const script: Script = (heard, results) => {
    if (heard === '') return say([30, 31]);
    if (results.length >= turns) return say([20, ...wordsOf(results.at(-1) ?? ''), 21, 22]);
    return {
      toolCalls: [{ id: `call_${turns}`, name: 'look_up', arguments: JSON.stringify({ what: String(turns) }) }],
    };
  };

  beforeAll(async () => {
    calls = await startRealtimeCalls();
    calls.answer(script);
    call = await calls.join('openai', 'gemini', 'pipeline');
  });
  afterAll(async () => {
    await call?.caller.leave();
    await calls?.stop();
  });

  it.each(TURNS)('$how', async ({ fault, isOutage, serves }) => {
    calls.mend();
    turns += 1;
    call.breakWhen('tool', fault);
    if (isOutage) call.server.faults.fail(unavailable, always);
    const turn = await call.say();
    await call.expectAnswered(turn, { words: [20, 28 + (turns % 2), 21, 22] });
    // Where another session gave the answer first, the switch is told when the silent one has failed.
    await expect.poll(() => call.serving, { timeout: 10_000 }).toBe(serves);
    expect(call.conversation('caller')).toHaveLength(turns);
    expect(call.told('tool').map(({ text }) => text)).toEqual(Array.from({ length: turns }, (_, i) => String(i + 1)));
    call.expectUnharmed();
  });
});
