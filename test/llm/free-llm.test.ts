// Dialogues with the scripted assistant.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import sales from '../../agents/sales.ts';
import support from '../../agents/support.ts';
import { definePersona, type Persona } from '../../src/config/persona.ts';
import { defineTool } from '../../src/config/tool.ts';
import type { LlmMessage } from '../../src/llm/contract.ts';
import { freeLlm } from '../../src/llm/free-llm.ts';
import { describeLlm } from '../conformance/llm.ts';
import { Conversation, partsOf, type RunTool, summarise } from './converse.ts';

const client = freeLlm.create({ env: {} });
const started = (persona: Persona = support, runTool?: RunTool) => new Conversation(client, persona, runTool);

/** Says the lines one after another and gives the last reply. */
async function play(conversation: Conversation, ...lines: readonly string[]) {
  let said = await conversation.say(lines[0] ?? '');
  for (const line of lines.slice(1)) said = await conversation.say(line);
  return said;
}

/** A persona whose tool is called without a question. */
const bell = definePersona({
  ...support,
  id: 'bell',
  tools: [
    ...support.tools,
    defineTool({
      name: 'ring',
      description: 'Rings.',
      parameters: z.object({ how: z.string() }),
      execute: async () => ({}),
    }),
  ],
  script: {
    ...support.script,
    actions: [
      ...support.script.actions,
      {
        id: 'ring',
        when: ['ring the bell'],
        offer: 'Shall I ring?',
        questions: [],
        tool: 'ring',
        arguments: { how: 'loudly' },
        done: 'It rang {times} times. I heard it {unknown}.',
        failed: 'It does not ring.',
      },
    ],
  },
});
const ring = bell.tools.at(-1);

describeLlm({
  provider: freeLlm,
  open: async () => ({ client: freeLlm.create({ env: {} }) }),
  talk: [{ role: 'user', text: 'what are your opening hours' }],
  callingTalk: [{ role: 'user', text: 'please ring the bell' }],
  tool: { name: 'ring', description: ring?.description ?? '', parameters: { type: 'object', required: ['how'] } },
  expectedArguments: { how: 'loudly' },
  request: { script: bell.script },
  failures: [
    { name: 'another language than English', kind: 'invalid-request', request: { language: 'es-ES' } },
    { name: 'no script', kind: 'invalid-request', request: { script: undefined } },
  ],
});

describe('one turn', () => {
  it.each([
    ['what are your opening hours', /Monday to Saturday/],
    ['hello', /^Hello! How can I help you/],
    ['thank you', /welcome.*anything else/],
    ['goodbye', /Thank you for calling/],
    ['what can you do', /opening hours, orders/],
    ['I want to speak to a human', /can't put you through.*What is your name/],
    ['I would like to leave a message', /What is your name/],
    ['my dog ate the remote control', /Sorry, I didn't get that.*Shall I take a message/],
    ['never mind', /No problem/],
    ['wait a moment', /take your time/],
    ['yes', /What can I do for you/],
    ['no', /How can I help you/],
    ['say that again', /this is Sam from Maple Street/],
  ])('"%s"', async (text, wanted) => expect((await started().say(text)).text).toMatch(wanted));

  it('takes several user messages in a row as one turn', async () => {
    const conversation = started();
    conversation.messages.push({ role: 'user', text: 'what are your' });
    expect((await conversation.say('opening hours')).text).toMatch(/Monday to Saturday/);
  });

  it('streams word by word', async () => {
    const parts = await partsOf(
      client.reply(started().request({ messages: [{ role: 'user', text: 'what are your opening hours' }] })),
    );
    const words = parts.flatMap((part) => (part.type === 'text' ? [part.text.trim()] : []));
    expect(words.length).toBeGreaterThan(10);
    for (const word of words) expect(word).not.toMatch(/\s/);
  });

  it('says in words why it does not serve another language', async () => {
    const reply = partsOf(client.reply(started().request({ language: 'fr-FR' })));
    await expect(reply).rejects.toThrow('free-llm speaks English only and this call is in fr-FR');
  });
});

describe('taking a message', () => {
  it('asks one thing at a time, repeats it, stores it and says what happens next', async () => {
    const conversation = started();
    const dialogue: readonly [caller: string, agent: RegExp, expect: string][] = [
      ['i would like to leave a message', /What is your name, please\?$/, 'spelling'],
      ['uh my name is anna baker', /^I have Anna Baker\. Is that right\?$/, 'yes-no'],
      ['yes', /^Thank you\. What number can we reach you at\?$/, 'digits'],
      ['five five five oh one four two', /^I have 5 5 5, 0 1 4 2\. Is that right\?$/, 'yes-no'],
      ["that's right", /^Great\. And what is it about\?$/, 'open'],
      [
        'my table came with a broken leg',
        /^I understood: My table came with a broken leg\. Is that right\?$/,
        'yes-no',
      ],
      [
        'correct',
        /^Got it\. One moment, please\. Your message is stored, and a colleague will call you back/,
        'phrases',
      ],
      ['no thank you', /^Thank you for calling Maple Street Furniture\. Goodbye!$/, 'phrases'],
    ];
    for (const [caller, agent, kind] of dialogue) {
      const said = await conversation.say(caller);
      expect(said.text).toMatch(agent);
      expect(said.expect?.kind).toBe(kind);
    }
    expect(conversation.runs).toEqual([
      {
        name: 'take_message',
        args: { name: 'Anna Baker', number: '5550142', reason: 'my table came with a broken leg' },
      },
    ]);
  });

  it('tells the recogniser how many digits a number has', async () => {
    const said = await play(started(), 'leave a message', 'anna', 'yes');
    expect(said.expect).toEqual({ kind: 'digits', minDigits: 7, maxDigits: 15 });
  });

  it('does it in spite of interruptions, questions and corrections', async () => {
    const conversation = started();
    const dialogue: readonly [string, RegExp][] = [
      ['can someone call me back', /What is your name/],
      ['what', /^Of course\. What is your name/],
      ['wait a second', /take your time/],
      ['what are your opening hours', /Monday to Saturday.*What is your name/],
      ['its petra', /I have Petra/],
      ["no it's peter", /I have Peter/],
      ['yeah', /What number/],
      ['what', /^Of course\. What number/],
      ['five five five', /I have 5 5 5 so far\. What comes next\?/],
      ['one two three four', /I have 5 5 5, 1 2 3 4/],
      ['no five five five one two three five', /I have 5 5 5, 1 2 3 5/],
      ['do you have a warranty', /two years.*I have 5 5 5, 1 2 3 5\. Is that right\?/],
      ['yes', /what is it about/],
      ['thanks', /welcome\. And what is it about/],
      ['the chair is too small for my table', /I understood: The chair is too small/],
      ['pardon', /^Of course\. I understood/],
      ['yes it is', /Your message is stored/],
    ];
    for (const [caller, agent] of dialogue) expect((await conversation.say(caller)).text).toMatch(agent);
    expect(conversation.runs.map(({ args }) => args)).toEqual([
      { name: 'Peter', number: '5551235', reason: 'the chair is too small for my table' },
    ]);
  });

  it('after two refusals asks letter by letter, and takes the third answer as heard', async () => {
    const conversation = started();
    await conversation.say('leave a message');
    expect((await play(conversation, 'meyer', 'no')).text).toBe('Sorry, let me ask again. What is your name, please?');
    const third = await play(conversation, 'maya', 'no');
    expect(third.text).toMatch(/Please spell your name, letter by letter/);
    expect(third.expect?.kind).toBe('spelling');
    expect((await conversation.say('m a i e r')).text).toMatch(
      /^Thank you\. I have Maier, spelled M, A, I, E, R\. I'll pass it on as I heard it\. What number/,
    );
    await play(conversation, 'five five five one two three four', 'no', 'five five five one two three five');
    expect((await conversation.say('no')).text).toMatch(/say your number digit by digit/);
    expect((await conversation.say('5 5 5 1 2 3 6')).text).toMatch(
      /I have 5 5 5, 1 2 3 6\. I'll pass it on as I heard it/,
    );
    await play(conversation, 'a broken chair', 'yes');
    expect(conversation.runs[0]?.args).toEqual({ name: 'Maier', number: '5551236', reason: 'a broken chair' });
  });

  it('leaves out what the caller does not want to give, and says so', async () => {
    const conversation = started();
    const said = await play(conversation, 'leave a message', 'anna', 'yes', "i'd rather not say");
    expect(said.text).toMatch(/^That's fine\. And what is it about/);
    await play(conversation, 'a broken chair', 'yes');
    expect(conversation.runs[0]?.args).toMatchObject({ number: 'not given' });
  });

  it.each([
    ['never mind', /dropped that/],
    ['cancel', /dropped that/],
    ['goodbye', /dropped that.*Thank you for calling/],
  ])('stops at "%s" and stores nothing', async (text, wanted) => {
    const conversation = started();
    expect((await play(conversation, 'leave a message', 'anna', text)).text).toMatch(wanted);
    await play(conversation, 'yes', 'yes');
    expect(conversation.runs).toEqual([]);
  });

  it('is offered when nothing fits, and only then begun', async () => {
    const conversation = started();
    expect((await conversation.say('my dog ate the remote control')).expect?.kind).toBe('yes-no');
    expect((await conversation.say('no')).text).toMatch(/How can I help/);
    expect((await play(conversation, 'the cat is on the roof', 'yes please')).text).toMatch(/What is your name/);
  });
});

describe('tools', () => {
  it('says that it failed when it failed', async () => {
    const conversation = started(support, () => {
      throw new Error('disk full');
    });
    const said = await play(conversation, 'leave a message', 'anna', 'yes', '5551234', 'yes', 'a broken chair', 'yes');
    expect(said.text).toMatch(/could not store your message/);
    expect(said.text).not.toMatch(/is stored/);
  });

  it.each([
    [{ status: 'booked', when: 'Tuesday, March 3 at 10 AM' }, /booked for Tuesday, March 3 at 10 AM/],
    [{ status: 'kept-locally' }, /not booked yet: a colleague will call/],
    [{ status: 'no-free-time' }, /could not book it/],
  ])('says what is true of the result %j', async (result, wanted) => {
    const conversation = started(sales, () => result);
    const lines = ['book a visit', 'anna', 'yes', '5035550142', 'yes', 'tuesday', 'yes', 'morning'];
    await play(conversation, ...lines);
    expect((await conversation.say('yes')).text).toMatch(wanted);
    expect(conversation.runs[0]?.args).toEqual({
      title: 'Free solar visit',
      name: 'Anna',
      phone: '5035550142',
      day: 'Tuesday',
      part: 'morning',
    });
  });

  it('leaves out the sentence whose field the result does not have', async () => {
    const said = await started(bell, () => ({ times: 3 })).say('ring the bell');
    expect(said.text).toMatch(/It rang 3 times\. Is there anything else/);
  });

  it('says that it failed where the tool is not offered', async () => {
    const messages: LlmMessage[] = [{ role: 'user', text: 'ring the bell' }];
    const request = started(bell).request({ messages, tools: [] });
    const said = summarise(await partsOf(client.reply(request)));
    expect(said.calls).toEqual([]);
    expect(said.text).toMatch(/does not ring/);
  });

  it.each(['before', 'between', 'after'])(
    'runs once, with the spoken filler %s the call and its result',
    async (place) => {
      const conversation = started(bell);
      conversation.messages.push({ role: 'user', text: 'ring the bell' });
      const [call] = summarise(await conversation.peek()).calls;
      if (!call) throw new Error('no call');
      const filler: LlmMessage = { role: 'assistant', text: 'Of course. One moment, please.' };
      const said: LlmMessage = { role: 'tool-call', call };
      const result: LlmMessage = {
        role: 'tool-result',
        callId: call.id,
        name: call.name,
        output: '{"times":3}',
        isError: false,
      };
      const order = { before: [filler, said, result], between: [said, filler, result], after: [said, result, filler] };
      conversation.messages.push(...(order[place as keyof typeof order] ?? []));
      const reply = summarise(await conversation.peek());
      expect(reply.calls).toEqual([]);
      expect(reply.text).toMatch(/^It rang 3 times/);
    },
  );

  it('does not call again while the result is not there', async () => {
    const conversation = started(bell);
    conversation.messages.push({ role: 'user', text: 'ring the bell' });
    const [call] = summarise(await conversation.peek()).calls;
    if (!call) throw new Error('no call');
    conversation.messages.push({ role: 'tool-call', call });
    const said = await conversation.say('are you doing it');
    expect(said.calls).toEqual([]);
    expect(said.text).toMatch(/still working on it/);
  });

  it('calls what was cut off before the call was made', async () => {
    const conversation = started(bell, () => ({ times: 1 }));
    conversation.messages.push(
      { role: 'user', text: 'ring the bell' },
      { role: 'assistant', text: 'Of course. One', interrupted: true },
    );
    expect((await conversation.say('yes go ahead')).text).toMatch(/It rang/);
    expect(conversation.runs).toHaveLength(1);
  });
});

describe('speculation and interruption', () => {
  const lines = ['leave a message', 'anna', 'yes', '5551234', 'yes', 'a broken chair', 'yes', 'no'];

  it('gives the same parts when it is asked twice, at every turn', async () => {
    const conversation = started();
    for (const line of lines) {
      conversation.messages.push({ role: 'user', text: line });
      const [first, second] = await Promise.all([conversation.peek(), conversation.peek()]);
      expect(second).toEqual(first);
      await conversation.reply();
    }
    expect(conversation.runs).toHaveLength(1);
  });

  it('does not let speculative replies to half a turn change the turn', async () => {
    const conversation = started();
    await play(conversation, 'leave a message', 'anna', 'yes');
    conversation.messages.push({ role: 'user', text: 'five five five' });
    await conversation.peek();
    expect((await conversation.say('one two three four')).text).toMatch(/5 5 5, 1 2 3 4/);
  });

  it('stores the same message wherever the agent was cut off', async () => {
    for (let words = 1; words < 8; words++) {
      const conversation = started();
      for (const line of lines) {
        await conversation.say(line);
        conversation.cutTo(words);
      }
      expect(
        conversation.runs.map(({ args }) => args),
        `cut to ${words} words`,
      ).toEqual([{ name: 'Anna', number: '5551234', reason: 'a broken chair' }]);
    }
  });

  it('takes up again what was cut before its first word', async () => {
    const conversation = started();
    await conversation.say('leave a message');
    conversation.cutTo(0);
    expect((await conversation.say('please')).text).toMatch(/What is your name/);
  });

  it('takes a number that was read on over the read-back', async () => {
    const conversation = started();
    await play(conversation, 'leave a message', 'anna', 'yes', 'five oh three five five five oh');
    conversation.cutTo(3);
    expect((await conversation.say('one four two')).text).toMatch(/I have 5 0 3, 5 5 5, 0 1 4 2/);
  });

  it('takes a name in two breaths', async () => {
    const conversation = started();
    await play(conversation, 'leave a message', 'anna');
    conversation.cutTo(1);
    expect((await conversation.say('baker')).text).toMatch(/I have Anna Baker/);
  });

  it('goes on from a reply that another provider could not finish', async () => {
    const messages: LlmMessage[] = [
      { role: 'user', text: 'what are your opening hours' },
      { role: 'assistant', text: 'We are open Monday to' },
    ];
    const said = summarise(await partsOf(client.reply(started().request({ messages }))));
    expect(said.text).toMatch(/^Saturday, from nine/);
  });
});

describe('taking over from another model', () => {
  const say = async (messages: readonly LlmMessage[]) =>
    summarise(await partsOf(client.reply(started().request({ messages }))));

  it.each([
    ['Sure thing. Could I have your name?', 'anna baker', /I have Anna Baker/],
    ['Perfect. And what is the best number to reach you?', '5551234', /I have 5 5 5, 1 2 3 4/],
    ['It is nine to seven. Is there anything else?', 'no thank you', /Goodbye/],
    ['We have lovely oak tables this month.', 'what about returns', /thirty days/],
  ])('after "%s" understands "%s"', async (assistant, user, wanted) => {
    const said = await say([
      { role: 'user', text: 'some words' },
      { role: 'assistant', text: assistant },
      { role: 'user', text: user },
    ]);
    expect(said.text).toMatch(wanted);
  });

  it('does not store again what the other model has stored', async () => {
    const call = { id: 'call_x', name: 'take_message', arguments: '{"name":"Ann","number":"1","reason":"x"}' };
    const messages: LlmMessage[] = [
      { role: 'user', text: 'that is all correct' },
      { role: 'tool-call', call },
      { role: 'tool-result', callId: 'call_x', name: 'take_message', output: '{"status":"stored"}', isError: false },
    ];
    const said = await say(messages);
    expect(said.calls).toEqual([]);
    expect(said.text).toMatch(/Your message is stored/);
    const later = await say([...messages, { role: 'assistant', text: said.text }, { role: 'user', text: 'yes' }]);
    expect(later.calls).toEqual([]);
  });

  it('does not take an unknown tool of another persona for its own', async () => {
    const said = await say([
      { role: 'user', text: 'hello' },
      { role: 'tool-call', call: { id: '1', name: 'other', arguments: '{}' } },
      { role: 'tool-result', callId: '1', name: 'other', output: '{}', isError: false },
    ]);
    expect(said.calls).toEqual([]);
    expect(said.text).not.toBe('');
  });
});
