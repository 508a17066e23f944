// Calls over Gemini Live as it is while nothing is wrong: it is late, ends its turns with the playback or never, and tells words when
// it likes. No call may be switched, connected again or taken for failed, and every word is heard and said once.
import { initializeLogger, type llm } from '@livekit/agents';
import { beforeAll, describe, expect, it } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls } from '../support/calls.ts';

const SEEDS = Array.from({ length: 8 }, (_, at) => 100 + at);

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

/** A turn that is answered, one that needs a tool, one that begins as soon as the answer has played. */
async function talk(seed: number): Promise<Record<string, unknown>> {
  const calls = await RealtimeCalls.start({ gemini: { habits: new Habits(seed) } });
  calls.script = (heard, results) => {
    if (heard === 'w4 w5' && results.length === 0) {
      return { text: ['w30 '], toolCalls: [{ id: `call-${seed}`, name: 'look_up', arguments: '{}' }] };
    }
    return heard === 'w4 w5'
      ? { text: ['w31 ', `${results.at(-1)}`] }
      : { text: `w20 ${heard} w21 w22`.split(/(?<=\s)/) };
  };
  try {
    const person = await calls.callOver('Gemini Live');
    await person.say([1, 2, 3]);
    const first = await person.reply(0);
    await person.say([4, 5]);
    const second = await person.reply(1);
    const [made] = second.calls;
    if (made) await person.give(made as llm.FunctionCall, 'w6');
    const third = await person.ask();
    await person.say([7]);
    const fourth = await person.reply(3);
    await eventually('all words are told', () => person.heard.length > 2);
    // What would come too late would come by then.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    return {
      said: [first, second, third, fourth].map(({ words, text }) => [words, text.trim()]),
      replies: person.replies.length,
      heard: person.heard,
      failures: calls.failures,
      switches: calls.switches.length,
      sessions: calls.gemini.sessions.length,
      // A session beside one that is later than nearly all is help, which blames nobody.
      unexplained: calls.openai.sessions.length - calls.hedges.length,
      errors: person.errors.length,
      history: person.session.chatCtx.items.flatMap((item) =>
        item.type === 'message' ? [`${item.role}: ${item.textContent?.trim()}`] : [],
      ),
    };
  } finally {
    await calls.close();
  }
}

describe('Gemini Live as it really is', () => {
  it.each(SEEDS)('seed %i: no false alarm, no word lost or twice', { timeout: 90_000 }, async (seed) => {
    expect(await talk(seed)).toEqual({
      said: [
        [[20, 1, 2, 3, 21, 22], 'w20 w1 w2 w3 w21 w22'],
        [[30], 'w30'],
        [[31, 6], 'w31 w6'],
        [[20, 7, 21, 22], 'w20 w7 w21 w22'],
      ],
      replies: 4,
      heard: ['w1 w2 w3', 'w4 w5', 'w7'],
      failures: [],
      switches: 0,
      sessions: 1,
      unexplained: 0,
      errors: 0,
      history: [
        'user: w1 w2 w3',
        'assistant: w20 w1 w2 w3 w21 w22',
        'user: w4 w5',
        'assistant: w30',
        'assistant: w31 w6',
        'user: w7',
        'assistant: w20 w7 w21 w22',
      ],
    });
  });
});
