// The scripted assistant derives where a call stands from its messages: cut, doubled, or from another model.
import { describe, expect, it } from 'vitest';
import type { LlmMessage } from '../../../../src/llm/contract.ts';
import { partsOf, summarise } from '../../support/converse.ts';
import { client, play, started } from './scripted.ts';

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
