// The calls of `bench:failover --room`: what a caller loses in a real room when a vendor fails, whoever stands over the vendors.
import type { MeasuredCall } from './call-outcome.ts';
import { type CallPlan, wordsOfTurn } from './call-plan.ts';
import { type Party, startCallRunner } from './call-runner.ts';
import type { RoomFault } from './room-faults.ts';

/** The titles of the table's columns, by party. */
export const ROOM_PARTIES: Readonly<Partial<Record<Party, string>>> = {
  ours: 'Bulletproof',
  'plugins under ours': 'Bulletproof over LiveKit’s plugins',
  'plugins under adapters': 'LiveKit, defaults',
};

/** 28 marked words in four turns; each reply repeats its turn's words in a sentence with two more. */
const TURNS = 4;
const WORDS_A_TURN = 7;
const TURNS_APART = 2;
const FRAME = [[20], [21]] as const;
const FAULTY_TURN = 1;

export function planRoomCall({ title, inTurn }: RoomFault, index: number): CallPlan {
  return {
    index,
    mode: 'pipeline',
    first: 'openai',
    turns: Array.from({ length: TURNS }, (_, turn) => ({ words: wordsOfTurn(turn, WORDS_A_TURN, TURNS_APART) })),
    frame: FRAME,
    fault: { title, turn: FAULTY_TURN, afterMs: inTurn?.afterMs ?? 0 },
  };
}

/** Makes one call after another, each fault with each party; calls `onCall` after each call. */
export async function measureRooms(
  parties: readonly Party[],
  faults: readonly RoomFault[],
  onCall: (party: Party, fault: RoomFault, call: MeasuredCall) => void,
  signal?: AbortSignal,
): Promise<void> {
  const runner = await startCallRunner({ signal });
  try {
    for (const party of parties) {
      for (const [index, fault] of faults.entries()) {
        onCall(party, fault, await runner.call(party, planRoomCall(fault, index)));
      }
    }
  } finally {
    await runner.stop();
  }
}

export function roomCell({ heard, conversation, clipped, unanswered, longestWaitMs, switches }: MeasuredCall): string {
  const count = (number: number, what: string) => (number === 0 ? [] : [`${number} ${what}`]);
  return [
    `${heard.lost} of ${heard.due} lost`,
    ...count(heard.twice, 'twice'),
    ...count(clipped, 'clipped'),
    ...count(conversation.lost, 'not in the conversation'),
    ...count(conversation.twice, 'twice in it'),
    ...count(unanswered, 'sentences never'),
    `wait ${longestWaitMs} ms`,
    ...count(switches.length, 'switches'),
  ].join(', ');
}
