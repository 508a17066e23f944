// The personas hold together: their scripts speak of what their tools take, and what is said can be spoken.
import { describe, expect, it } from 'vitest';
import sales from '../../agents/sales.ts';
import support from '../../agents/support.ts';
import { takeMessage } from '../../agents/tools/take-message.ts';
import { definePersona, type Persona } from '../../src/config/persona.ts';
import { freeLlm } from '../../src/llm/providers/free-llm/free-llm.ts';
import { intentOf } from '../../src/llm/providers/free-llm/intents.ts';
import { Conversation } from '../llm/support/converse.ts';
import { toolContext } from './tool-context.ts';

describe.each([sales, support])('$id', (persona: Persona) => {
  const { script } = persona;
  const spoken = [
    persona.greeting,
    script.help,
    script.notUnderstood,
    script.human,
    script.goodbye,
    ...script.facts.map(({ answer }) => answer),
    ...script.actions.flatMap(({ offer, done, failed, questions }) => [
      offer,
      done,
      failed,
      ...questions.map(({ question }) => question),
    ]),
  ];

  it.each(spoken)('can say "%s"', (text) => expect(text).toMatch(/^[A-Z][^*#`\n]*[.!?]$/));

  it('finds each fact and action by each of its own phrases', () => {
    for (const intent of [...script.facts, ...script.actions]) {
      for (const phrase of intent.when) {
        const found = intentOf(script, phrase);
        const same = found?.kind === 'fact' ? found.fact === intent : found?.action === intent;
        expect(same, phrase).toBe(true);
      }
    }
  });

  it('takes a message with its real tool', async () => {
    const context = toolContext();
    const conversation = new Conversation(freeLlm.create({ env: {} }), persona);
    for (const line of [
      'leave a message',
      'anna baker',
      'yes',
      '5035550142',
      'yes',
      'please call me about my roof',
      'yes',
    ]) {
      await conversation.say(line);
    }
    const [run] = conversation.runs;
    await takeMessage.execute(takeMessage.parameters.parse(run?.args), context);
    expect(context.records).toEqual([
      {
        type: 'message',
        data: {
          name: 'Anna Baker',
          number: '5035550142',
          reason: 'please call me about my roof',
          idempotencyKey: context.idempotencyKey,
        },
      },
    ]);
  });
});

describe('take_message', () => {
  it('stores once per key, with the number of a telephone caller', async () => {
    const context = toolContext({ caller: { identity: 'sip', phoneNumber: '+15035550142' } });
    const message = { name: 'Anna', number: 'not given', reason: 'A chair.' };
    await takeMessage.execute(message, context);
    await takeMessage.execute(message, context);
    expect(context.records).toHaveLength(1);
    expect(context.records[0]?.data).toMatchObject({ ...message, callerNumber: '+15035550142' });
  });

  it('fails when it could not be stored, and can be tried again', async () => {
    const context = toolContext({ record: () => Promise.reject(new Error('disk full')) });
    const message = { name: 'Anna', number: '1', reason: 'A chair.' };
    await expect(takeMessage.execute(message, context)).rejects.toThrow('disk full');
    await expect(takeMessage.execute(message, { ...context, record: async () => {} })).resolves.toMatchObject({
      status: 'stored',
    });
  });
});

describe('definePersona', () => {
  const action = (changes: object) =>
    ({ ...support, script: { ...support.script, actions: [{ ...support.script.actions[0], ...changes }] } }) as Persona;

  it.each([
    [{ ...support, id: 'Front Desk' }, 'id must be kebab case'],
    [{ ...support, languages: [] }, 'languages must name at least one'],
    [{ ...support, tools: [takeMessage, takeMessage] }, 'two tools have the same name'],
    [action({ tool: 'fly' }), 'needs the tool "fly", which is not among its tools'],
    [action({ arguments: { colour: 'red' } }), 'gives "colour", which the tool "take_message" does not take'],
    [action({ arguments: { name: 'Ann' } }), 'gives one argument twice'],
    [action({ questions: [] }), 'does not ask for "name" of the tool "take_message"'],
    [action({ id: 'other' }), 'script.fallbackAction "message" is none of its actions'],
  ])('refuses a persona that can not work: %#', (persona, message) => {
    expect(() => definePersona(persona)).toThrow(message);
  });
});
