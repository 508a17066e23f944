// Replies of Gemini Live that are none, and calls that it takes back: what is read from them, who is asked again, and who is blamed.
import { Behavior } from '@google/genai';
import { initializeLogger, llm } from '@livekit/agents';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { LiveOddity } from '../../../fixtures/vendors/gemini-live-record.ts';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls, type RealtimeCallsOptions } from '../support/calls.ts';

const answer = [20, 1, 2, 21, 22, 23, 24];
let calls: RealtimeCalls;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
afterEach(() => calls.close());

async function callWith(gemini: NonNullable<RealtimeCallsOptions['gemini']>) {
  calls = await RealtimeCalls.start({ gemini });
  return calls.callOver('Gemini Live');
}

describe('a turn of the caller’s is answered with nothing', () => {
  const odd: readonly (readonly [string, LiveOddity])[] = [
    ['nothing at all', { kind: 'ends' }],
    ['a call that it could not write', { kind: 'ends', turnCompleteReason: 'MALFORMED_FUNCTION_CALL' }],
    ['words without sound', { kind: 'no-sound' }],
    ['sound that nobody can hear', { kind: 'near-silence' }],
  ];

  it.each(odd)('%s: the same session is asked once more, and nobody is blamed', async (_what, oddity) => {
    const person = await callWith({ oddities: [oddity] });
    await person.say([1, 2]);
    expect((await person.reply(0)).words).toEqual(answer);
    expect(person.heard).toEqual(['w1 w2']);
    expect(person.replies).toHaveLength(1);
    expect(calls.failures).toEqual([]);
    expect([calls.gemini.sessions.length, calls.openai.sessions.length]).toEqual([1, 0]);
  });

  it('twice: it has failed, and the next one answers', async () => {
    const person = await callWith({ oddities: [{ kind: 'ends' }, { kind: 'ends' }] });
    await person.say([1, 2]);
    expect((await person.reply(0)).words).toEqual(answer);
    expect(person.replies).toHaveLength(1);
    expect(calls.failures).toEqual(['malformed']);
  });

  it('its filter took offence: another one answers this turn, and no other call is told', async () => {
    const person = await callWith({ oddities: [{ kind: 'ends', turnCompleteReason: 'RESPONSE_REJECTED' }] });
    await person.say([1, 2]);
    expect((await person.reply(0)).words).toEqual(answer);
    expect(calls.failures).toEqual(['content-refusal']);
    await person.end();
    const next = await calls.callAgain();
    await next.say([1, 2]);
    expect((await next.reply(0)).words).toEqual(answer);
    expect(calls.gemini.sessions).toHaveLength(2);
  });

  it('it waits for the caller to go on: its silence is none', async () => {
    const person = await callWith({ oddities: [{ kind: 'waits' }] });
    await person.say([1]);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    expect(calls.failures).toEqual([]);
    await person.say([1, 2]);
    expect((await person.reply(0)).words).toEqual(answer);
    expect([calls.gemini.sessions.length, calls.openai.sessions.length]).toEqual([1, 0]);
  });
});

it('an owner’s question that is answered with nothing is asked once more', async () => {
  const person = await callWith({ oddities: [{ kind: 'ends' }] });
  calls.script = () => ({ text: ['w1 ', 'w2'] });
  expect((await person.ask('Greet.')).words).toEqual([1, 2]);
  expect(calls.failures).toEqual([]);
});

describe('while a tool runs', () => {
  const script = (heard: string, results: readonly string[]) => {
    if (heard === 'w1' && results.length === 0) {
      return { toolCalls: [{ id: 'c1', name: 'look_up', arguments: '{}' }] };
    }
    return { text: `w20 ${heard} w21`.split(/(?<=\s)/) };
  };

  it('what the caller says is kept, and heard when it has run', async () => {
    const person = await callWith({});
    calls.script = script;
    await person.say([1]);
    const [made] = (await person.reply(0)).calls;
    await person.say([5, 6]);
    await person.give(made as llm.FunctionCall, 'w9');
    // It interrupts the answer to the result: the vendor gives one answer to both.
    expect((await person.ask()).words).toEqual([20, 5, 6, 21]);
    await eventually('the words are told', () => person.heard.length > 1);
    expect(person.heard).toEqual(['w1', 'w5 w6']);
    expect(calls.failures).toEqual([]);
  });

  it('a call that is taken back is forgotten, and its result told to nobody', async () => {
    const person = await callWith({ toolBehavior: Behavior.NON_BLOCKING });
    calls.script = script;
    await person.say([1]);
    const [made] = (await person.reply(0)).calls;
    await person.say([5, 6]);
    expect((await person.reply(1)).words).toEqual([20, 5, 6, 21]);
    await person.give(made as llm.FunctionCall, 'w9');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [session] = calls.gemini.sessions;
    const told = session?.messages.flatMap(({ toolResponse }) => toolResponse?.functionResponses ?? []) ?? [];
    expect(told.filter(({ willContinue }) => willContinue !== true)).toEqual([]);
    expect(person.session.chatCtx.items.map(({ type }) => type)).toContain('function_call_output');
    expect(calls.failures).toEqual([]);
    expect(calls.gemini.sessions).toHaveLength(1);
  });
});

it('newer models are told to wait for tools', async () => {
  const person = await callWith({ model: 'gemini-3.8-live' });
  await person.session.updateTools(
    new llm.ToolContext([
      llm.tool({
        name: 'look_up',
        description: 'Looks it up.',
        parameters: z.object({}),
        execute: async () => 'w1',
      }),
    ]),
  );
  await person.say([1, 2]);
  expect((await person.reply(0)).words).toEqual(answer);
  expect(calls.gemini.sessions.at(-1)?.setup?.model).toBe('models/gemini-3.8-live');
  const [declared] =
    calls.gemini.sessions.at(-1)?.setup?.tools?.flatMap((tool) => tool.functionDeclarations ?? []) ?? [];
  expect(declared).toMatchObject({ name: 'look_up', behavior: 'BLOCKING' });
  await eventually('the words are told', () => person.heard.length > 0);
  expect(calls.failures).toEqual([]);
});

it('newer models may be asked for just any reply, which the plugin cannot do by itself', async () => {
  const person = await callWith({ model: 'gemini-3.8-live' });
  await person.say([1, 2]);
  expect((await person.reply(0)).words).toEqual(answer);
  const context = person.session.chatCtx.copy();
  context.addMessage({ role: 'user', content: 'w5' });
  await person.session.updateChatCtx(context);
  expect((await person.ask()).words).toEqual([20, 5, 21, 22, 23, 24]);
  expect(calls.failures).toEqual([]);
  expect(calls.gemini.sessions).toHaveLength(1);
});
