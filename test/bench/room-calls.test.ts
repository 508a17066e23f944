import { expect, it } from 'vitest';
import { dueOfAgent } from './support/call-outcome.ts';
import { planRoomCall } from './support/room-calls.ts';

it('has the caller say 28 marked words in four turns, and 36 due in the answers besides the greeting', () => {
  const { turns, frame = [[], []] } = planRoomCall({ title: 'none' }, 0);
  expect(turns.flatMap(({ words }) => words)).toHaveLength(28);
  expect(turns.every(({ words }, at) => words.every((word) => !turns[at + 1]?.words.includes(word)))).toBe(true);
  const records = turns.map(({ words }) => ({ words, ended: 'answered' as const, utterance: undefined }));
  expect(dueOfAgent(records, frame)).toHaveLength(2 + 36);
});
