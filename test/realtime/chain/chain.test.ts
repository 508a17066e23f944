// Speech to speech goes on when a vendor does not: refusals, tools, announced ends, interruptions, the conversation.
import { initializeLogger, type llm } from '@livekit/agents';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import type { Switch } from '../../../src/failover/failover.ts';
import { kindOfStatus } from '../../../src/failover/provider-error.ts';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls, type RealtimeCallsOptions, repeat, VENDORS, withoutSeam } from '../support/calls.ts';

let calls: RealtimeCalls;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
beforeEach(async () => {
  calls = await RealtimeCalls.start();
});
afterEach(() => calls.close());

/** Vendors of another kind than those at hand. */
async function restart(options: RealtimeCallsOptions): Promise<void> {
  await calls.close();
  calls = await RealtimeCalls.start(options);
}

describe.each(VENDORS)('%s', (name) => {
  it('serves a call of two turns', async () => {
    const person = await calls.callOver(name);
    await person.say([1, 2, 3]);
    expect(await person.reply(0)).toMatchObject({
      words: [20, 1, 2, 3, 21, 22, 23, 24],
      text: 'w20 w1 w2 w3 w21 w22 w23 w24',
    });
    await person.say([4, 5]);
    expect(await person.reply(1)).toMatchObject({ words: [20, 4, 5, 21, 22, 23, 24] });
    expect(person.heard).toEqual(['w1 w2 w3', 'w4 w5']);
    expect(person.errors).toEqual([]);
    expect(calls.switches).toEqual([]);
  });
});

describe.each(VENDORS)('%s refuses the first connection', (name) => {
  const refusals: readonly (readonly [string, Fault, Switch['kind']])[] = [
    ...([401, 402, 403, 429, 500, 503] as const).map(
      (status) => [`with ${status}`, { kind: 'status', status }, kindOfStatus(status)] as const,
    ),
    ['by a reset', { kind: 'refuse' }, 'unreachable'],
    ['by never answering', { kind: 'black-hole' }, 'timeout'],
  ];

  it.each(refusals)('%s: the next one has every word', async (_how, fault, kind) => {
    calls.vendor(name).faults.fail(fault, Number.POSITIVE_INFINITY);
    const person = await calls.callOver(name);
    await person.say([1, 2, 3]);
    expect((await person.reply(0)).words).toEqual([20, 1, 2, 3, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w1 w2 w3']);
    expect(person.errors).toEqual([]);
    await eventually('it is found out', () => calls.failures.length > 0);
    expect(calls.failures[0]).toBe(kind);
    expect(calls.vendor(name).sessions).toHaveLength(0);
  });
});

describe.each(VENDORS)('16. a tool is running when %s fails', (name) => {
  it.each([1000, 1006, 1011, 'silent'] as const)('%s: it runs once, and its result is told', async (how) => {
    calls.script = (heard, results) => {
      if (results.length > 0) return { text: ['w30 ', `${results.at(-1)} `, 'w31'] };
      return { toolCalls: [{ id: 'c1', name: 'look_up', arguments: `{"what":"${heard}"}` }] };
    };
    const person = await calls.callOver(name);
    const fault: Fault = how === 'silent' ? { kind: 'stall', after: 0 } : { kind: 'drop', after: 0, code: how };
    calls.vendor(name).breakWhen('tool', fault);
    await person.say([1, 2]);
    const [made] = (await person.reply(0)).calls;
    expect([made?.name, JSON.parse(made?.args ?? '')]).toEqual(['look_up', { what: 'w1 w2' }]);
    expect(person.replies[0]?.calls).toHaveLength(1);
    await eventually('it broke', () => calls.vendor(name).sessions.some(({ struck }) => struck.length > 0));
    await person.give(made as llm.FunctionCall, 'w5');
    const answer = await person.ask();
    expect(answer.words).toEqual([30, 5, 31]);
    expect(answer.calls).toEqual([]);
    await person.say([8]);
    await eventually('the caller is heard on', () => person.heard.length > 1);
    expect(person.heard).toEqual(['w1 w2', 'w8']);
    expect(person.errors).toEqual([]);
  });
});

describe('the end of a session is announced', () => {
  it('by OpenAI: the next one is opened before it and nobody notices', async () => {
    await restart({ openai: { sessionLimitMs: 5_000 } });
    const person = await calls.call('OpenAI Realtime');
    for (const word of [1, 2, 3, 4, 5]) {
      await person.say([word]);
      expect((await person.reply(word - 1)).words).toEqual([20, word, 21, 22, 23, 24]);
    }
    expect(calls.openai.sessions.length).toBeGreaterThan(1);
    expect(person.heard).toEqual(['w1', 'w2', 'w3', 'w4', 'w5']);
    expect(calls.failures).toEqual([]);
    expect(calls.switches).toEqual([]);
    const told = calls.openai.sessions.flatMap(({ sent }) => sent.filter((type) => type === 'error'));
    expect(told).toEqual([]);
  });

  it('by Gemini’s goAway, in the middle of a reply: it is said to its end', async () => {
    const words = Array.from({ length: 20 }, (_, i) => i);
    await restart({ gemini: { speed: 2 } });
    calls.script = () => ({ text: words.map((word) => `w${word} `) });
    const person = await calls.call('Gemini Live');
    const replying = person.ask();
    await eventually('it speaks', () => (calls.gemini.sessions[0]?.replies[0]?.words.length ?? 0) > 4);
    calls.gemini.goAway(1_500);
    const { words: heard } = await replying;
    expect(withoutSeam(heard, words)).toEqual(words);
    expect(calls.gemini.sessions).toHaveLength(2);
    expect(calls.failures).toEqual([]);
  });
});

describe('Gemini’s sessions', () => {
  it.each([
    ['are gone on from after a lost connection', false],
    ['are begun anew where the handle is good no more', true],
  ])('%s', async (_what, isExpired) => {
    const person = await calls.call('Gemini Live');
    await person.say([1]);
    await person.reply(0);
    const [first] = calls.gemini.sessions;
    await eventually('a handle', () => (first?.handles.length ?? 0) > 1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    if (isExpired) calls.gemini.expireHandles();
    calls.gemini.breakWhen('idle', { kind: 'drop', after: 0, code: 1006 });
    await eventually('another session', () => calls.gemini.sessions.length > 1);
    await person.say([2]);
    expect((await person.reply(1)).words).toEqual([20, 2, 21, 22, 23, 24]);
    expect(calls.gemini.sessions[1]?.handle).toBe(first?.handles.at(-1));
    const serving = calls.gemini.sessions.at(-1);
    expect(serving).toMatchObject({ handle: isExpired ? undefined : first?.handles.at(-1) });
    const told = serving?.turns.flatMap(({ role, parts }) => parts.map(({ text }) => [role, text?.trim()]));
    // The plugin's default model is of 2.5, which passes over a history in turns.
    const before = [
      ['user', 'w1'],
      ['model', 'w20 w1 w21 w22 w23 w24'],
    ];
    if (isExpired) expect(serving?.instructions).toContain('Caller: w1\nYou: w20 w1 w21 w22 w23 w24');
    expect(told).toEqual([...(isExpired ? [] : before), ['user', 'w2'], ['model', 'w20 w2 w21 w22 w23 w24']]);
    expect(person.heard).toEqual(['w1', 'w2']);
    expect(calls.failures).toEqual(['unreachable']);
  });
});

describe('whoever serves', () => {
  it.each(VENDORS)('%s is interrupted by the caller', async (name) => {
    const words = Array.from({ length: 30 }, (_, i) => i % 20);
    calls.script = (heard) => (heard === '' ? { text: words.map((word) => `w${word} `) } : repeat(heard, []));
    const person = await calls.callOver(name);
    const first = person.ask('Talk.');
    await eventually('it speaks', () => person.replies[0] !== undefined);
    person.session.on('input_speech_started', () => void person.session.interrupt());
    await person.say([1, 2]);
    await first;
    expect((await person.reply(1)).words).toEqual([20, 1, 2, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w1 w2']);
    expect(calls.failures).toEqual([]);
  });

  it.each(VENDORS)('%s gets the conversation with tools from the one before', async (name) => {
    calls.script = (heard, results) => {
      if (results.length === 0) return { toolCalls: [{ id: 'c1', name: 'look_up', arguments: '{"n":1}' }] };
      return heard === 'w9' ? { text: ['w40 ', ...results.map((result) => `${result} `)] } : { text: ['w30 '] };
    };
    const person = await calls.callOver(name);
    await person.say([1]);
    const [made] = (await person.reply(0)).calls;
    await person.give(made as llm.FunctionCall, 'w5');
    expect((await person.ask()).words).toEqual([30]);
    calls.vendor(name).faults.fail({ kind: 'status', status: 401 }, Number.POSITIVE_INFINITY);
    calls.vendor(name).breakWhen('idle', { kind: 'drop', after: 0, code: 1006 });
    await eventually('the other serves', () => calls.switches.length === 1);
    await person.say([9]);
    expect((await person.reply(2)).words).toEqual([40, 5]);
    expect(person.heard).toEqual(['w1', 'w9']);
  });

  it('a question of the owner’s that a failure meets is answered once', async () => {
    calls.script = () => ({ text: ['w1 ', 'w2 ', 'w3'] });
    calls.openai.breakWhen('thinking', { kind: 'stall', after: 0 });
    const person = await calls.call('OpenAI Realtime', 'Gemini Live');
    expect((await person.ask('Greet.')).words).toEqual([1, 2, 3]);
    expect(person.replies).toHaveLength(1);
    await eventually('the silent one has failed', () => calls.failures.length > 0);
    expect(calls.failures).toEqual(['timeout']);
  });
});
