// Dialogues with the scripted assistant.
import { describe, expect, it } from 'vitest';
import { freeLlm } from '../../../src/llm/providers/free-llm/free-llm.ts';
import { describeLlm } from '../../conformance/llm.ts';
import { partsOf } from '../support/converse.ts';
import { bell, client, play, started } from './free-llm/scripted.ts';

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
