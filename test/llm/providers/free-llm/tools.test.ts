// The scripted assistant runs tools once, and says of them what is true.
import { describe, expect, it } from 'vitest';
import sales from '../../../../agents/sales.ts';
import support from '../../../../agents/support.ts';
import type { LlmMessage } from '../../../../src/llm/contract.ts';
import { partsOf, summarise } from '../../support/converse.ts';
import { bell, client, play, started } from './scripted.ts';

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
