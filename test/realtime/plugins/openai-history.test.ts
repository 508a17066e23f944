// OpenAI takes a conversation that others have led: its limits on ids, and items that it refuses.
import { initializeLogger, llm } from '@livekit/agents';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls, type RealtimeCallsOptions } from '../support/calls.ts';

/** As Gemini makes them. */
const GEMINI_CALL = 'function-call-12345678901234567890';
const LONG_ID = `reply_${'0123456789abcdef'.repeat(3)}`;
let calls: RealtimeCalls;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
beforeEach(async () => {
  calls = await RealtimeCalls.start();
});
afterEach(() => calls.close());

async function restart(options: RealtimeCallsOptions): Promise<void> {
  await calls.close();
  calls = await RealtimeCalls.start(options);
}

const message = (id: string, role: 'user' | 'assistant', content: string) =>
  llm.ChatMessage.create({ id, role, content });

/** What OpenAI knows, in order. */
const known = () =>
  calls.openai.sessions.at(-1)?.items.map(({ type, text, output }) => (type === 'message' ? text : (output ?? type)));
const refusals = () => calls.openai.sessions.flatMap(({ sent }) => sent.filter((type) => type === 'error'));

describe('OpenAI is given', () => {
  it('the call and the result of a tool that Gemini called, by ids that it takes', async () => {
    calls.script = (heard, results) => {
      if (results.length === 0) return { toolCalls: [{ id: GEMINI_CALL, name: 'look_up', arguments: '{"n":1}' }] };
      return heard === 'w9' ? { text: ['w40 ', ...results.map((result) => `${result} `)] } : { text: ['w30 '] };
    };
    const person = await calls.callOver('Gemini Live');
    await person.say([1]);
    const [made] = (await person.reply(0)).calls;
    await person.give(made as llm.FunctionCall, 'w5');
    expect((await person.ask()).words).toEqual([30]);
    calls.gemini.faults.fail({ kind: 'status', status: 401 }, Number.POSITIVE_INFINITY);
    calls.gemini.breakWhen('idle', { kind: 'drop', after: 0, code: 1006 });
    await eventually('the other serves', () => calls.switches.length === 1);
    await person.say([9]);
    expect((await person.reply(2)).words).toEqual([40, 5]);
    expect(known()?.slice(0, 4)).toEqual(['w1', 'function_call', 'w5', 'w30']);
    expect(refusals()).toEqual([]);
  });

  it('the result of a tool that another is still running when it takes over', async () => {
    calls.script = (_heard, results) =>
      results.length === 0
        ? { toolCalls: [{ id: GEMINI_CALL, name: 'look_up', arguments: '{}' }] }
        : { text: ['w30 ', `${results.at(-1)} `] };
    const person = await calls.callOver('Gemini Live');
    await person.say([1]);
    const [made] = (await person.reply(0)).calls;
    calls.gemini.faults.fail({ kind: 'status', status: 401 }, Number.POSITIVE_INFINITY);
    calls.gemini.breakWhen('tool', { kind: 'drop', after: 0, code: 1006 });
    await eventually('the other serves', () => calls.switches.length === 1);
    await person.give(made as llm.FunctionCall, 'w5');
    expect((await person.ask()).words).toEqual([30, 5]);
    expect(refusals()).toEqual([]);
  });

  it('messages with the long ids of the pipeline, and forgets them by those', async () => {
    const person = await calls.call('OpenAI Realtime');
    const items = [message('a', 'user', 'w1'), message(LONG_ID, 'assistant', 'w2'), message('b', 'user', 'w3')];
    await person.session.updateChatCtx(new llm.ChatContext(items));
    await eventually('it knows them', () => known()?.length === 3);
    expect(known()).toEqual(['w1', 'w2', 'w3']);
    await person.session.updateChatCtx(new llm.ChatContext(items.filter(({ id }) => id !== LONG_ID)));
    expect(known()).toEqual(['w1', 'w3']);
    expect(refusals()).toEqual([]);
  });

  it('a result whose call nobody remembers in words, and what follows it', async () => {
    const person = await calls.call('OpenAI Realtime');
    const output = llm.FunctionCallOutput.create({ callId: 'gone', name: 'look_up', output: 'w5', isError: false });
    await person.session.updateChatCtx(new llm.ChatContext([output, message('b', 'user', 'w3')]));
    await eventually('it knows them', () => known()?.length === 2);
    expect(known()).toEqual(['(The result of your tool look_up: w5)', 'w3']);
    expect(calls.failures).toEqual([]);
  });
});

it('OpenAI refuses an item for good: another who takes it serves', async () => {
  await restart({ openai: { refusesItem: (text) => text === 'w7' } });
  const person = await calls.callOver('OpenAI Realtime');
  await person.session.updateChatCtx(new llm.ChatContext([message('a', 'user', 'w7')]));
  await eventually('the other serves', () => calls.switches.length === 1);
  expect(calls.failures).toEqual(['invalid-request']);
  await person.say([1]);
  expect((await person.reply(0)).words).toEqual([20, 1, 21, 22, 23, 24]);
});
