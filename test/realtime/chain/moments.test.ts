// A vendor fails at every moment of a turn: the call goes on, every word is heard once and said once.
import { initializeLogger } from '@livekit/agents';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls, VENDORS, withoutSeam } from '../support/calls.ts';

let calls: RealtimeCalls;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
beforeEach(async () => {
  calls = await RealtimeCalls.start();
});
afterEach(() => calls.close());

const closings = [1000, 1001, 1006, 1008, 1011] as const;
const faults: Record<string, Fault> = {
  ...Object.fromEntries(
    closings.map((code) => [`closes with ${code}`, { kind: 'drop', after: 2, code, reason: 'because' } as const]),
  ),
  'goes silent': { kind: 'stall', after: 2 },
};
const moments = ['idle', 'listening', 'thinking', 'speaking'] as const;

describe.each(VENDORS)('15. %s fails in a turn and the call goes on', (name) => {
  const cases = moments.flatMap((moment) => Object.keys(faults).map((fault) => [moment, fault] as const));

  it.each(cases)('%s: it %s', async (moment, faultName) => {
    const person = await calls.callOver(name);
    await person.say([7]);
    await person.reply(0);
    const fault = faults[faultName] as Fault;
    calls.vendor(name).breakWhen(moment, moment === 'speaking' ? fault : ({ ...fault, after: 0 } as Fault));
    if (moment === 'idle')
      await eventually('it broke', () => calls.vendor(name).sessions.some(({ struck }) => struck.length > 0));
    await person.say([1, 2, 3, 4]);
    const expected = [20, 1, 2, 3, 4, 21, 22, 23, 24];
    const { words, text } = await person.reply(1);
    expect(withoutSeam(words, expected)).toEqual(expected);
    expect(text.trim().replace(/\s+/g, ' ')).toBe('w20 w1 w2 w3 w4 w21 w22 w23 w24');
    await person.say([5, 6]);
    expect((await person.reply(2)).words).toEqual([20, 5, 6, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w7', 'w1 w2 w3 w4', 'w5 w6']);
    expect(person.replies).toHaveLength(3);
    expect(person.errors).toEqual([]);
  });
});
