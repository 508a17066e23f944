// Speech to speech goes on when a vendor does not: both official plugins over servers that speak their protocols.
import { initializeLogger, type llm } from '@livekit/agents';
import { realtime as google } from '@livekit/agents-plugin-google';
import { realtime as openai } from '@livekit/agents-plugin-openai';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../fixtures/faults.ts';
import { type GeminiLiveFixture, startGeminiLive } from '../../fixtures/vendors/gemini-live.ts';
import type { GeminiContent } from '../../fixtures/vendors/gemini-protocol.ts';
import { type OpenAiRealtimeFixture, startOpenAiRealtime } from '../../fixtures/vendors/openai-realtime.ts';
import type { ScriptedReply } from '../../fixtures/vendors/scripted-reply.ts';
import type { Switch } from '../../src/failover/failover.ts';
import { MemoryHealthBoard } from '../../src/failover/health-board.ts';
import { kindOfStatus } from '../../src/failover/provider-error.ts';
import { RealtimeChain } from '../../src/realtime/chain.ts';
import { eventually } from '../support/eventually.ts';
import { RealtimeCaller } from './support/caller.ts';

let openaiVendor: OpenAiRealtimeFixture;
let geminiVendor: GeminiLiveFixture;
let caller: RealtimeCaller | undefined;
let chain: RealtimeChain | undefined;
let switches: Switch[];
let failures: string[];
type Script = (heard: string, results: readonly string[]) => ScriptedReply;
let script: Script | undefined;
const say = (heard: string): ScriptedReply => ({ text: `w20 ${heard} w21 w22 w23 w24`.split(/(?<=\s)/) });

beforeAll(() => initializeLogger({ pretty: false, level: process.env.RT_LOG ?? 'silent' }));
beforeEach(async () => {
  script = undefined;
  openaiVendor = await startOpenAiRealtime({
    reply: ({ lastUserText, items }) =>
      (script ?? say)(
        lastUserText,
        items.flatMap(({ type, output }) => (type === 'function_call_output' ? [output ?? ''] : [])),
      ),
  });
  geminiVendor = await startGeminiLive({ reply: ({ turns }) => scripted(turns) });
});
afterEach(async () => {
  await caller?.end();
  await chain?.close();
  caller = undefined;
  await Promise.all([openaiVendor.close(), geminiVendor.close()]);
});

/** What a Gemini says: results of tools come as such, or in words from another's conversation. */
function scripted(turns: readonly GeminiContent[]): ScriptedReply {
  const parts = turns.flatMap(({ role, parts: all = [] }) => all.map((part) => ({ role, ...part })));
  const results = parts.flatMap(({ functionResponse, text }) => {
    const output =
      (functionResponse?.response as { output?: unknown } | undefined)?.output ??
      / result: (w\d+)\)/.exec(text ?? '')?.[1];
    return output === undefined ? [] : [String(output)];
  });
  const said = parts.filter(({ role, text }) => role === 'user' && /^\s*w\d/.test(text ?? ''));
  return (script ?? say)(said.at(-1)?.text?.trim() ?? '', results);
}

const openaiModel = () =>
  new openai.RealtimeModel({
    apiKey: 'sk-test',
    baseURL: openaiVendor.url,
    turnDetection: { type: 'server_vad', silence_duration_ms: 400 },
  });
const geminiModel = () => new google.RealtimeModel({ apiKey: 'AIza-test', httpOptions: { baseUrl: geminiVendor.url } });

async function call(...models: (openai.RealtimeModel | google.RealtimeModel)[]): Promise<RealtimeCaller> {
  switches = [];
  failures = [];
  chain = new RealtimeChain(models, {
    board: new MemoryHealthBoard(),
    onSwitch: (event) => switches.push(event),
    onFailure: (_stage, _provider, { kind }) => failures.push(kind),
  });
  const session = chain.session();
  await session._updateSession('Be brief.');
  caller = new RealtimeCaller(session);
  return caller;
}

const vendors = {
  'OpenAI Realtime': () => [openaiModel(), geminiModel()] as const,
  'Gemini Live': () => [geminiModel(), openaiModel()] as const,
};

const names = Object.keys(vendors) as (keyof typeof vendors)[];
const vendorOf = (name: keyof typeof vendors) => (name === 'Gemini Live' ? geminiVendor : openaiVendor);

/** A word broken in its middle may be said once more, whole. */
function withoutSeam(words: readonly number[], expected: readonly number[]): readonly number[] {
  if (words.length !== expected.length + 1) return words;
  const at = words.findIndex((word, i) => i > 0 && word === words[i - 1]);
  return at < 0 ? words : words.filter((_, i) => i !== at);
}

describe.each(names)('%s', (name) => {
  it('serves a call of two turns', async () => {
    const person = await call(...vendors[name]());
    await person.say([1, 2, 3]);
    expect(await person.reply(0)).toMatchObject({
      words: [20, 1, 2, 3, 21, 22, 23, 24],
      text: 'w20 w1 w2 w3 w21 w22 w23 w24',
    });
    await person.say([4, 5]);
    expect(await person.reply(1)).toMatchObject({ words: [20, 4, 5, 21, 22, 23, 24] });
    expect(person.heard).toEqual(['w1 w2 w3', 'w4 w5']);
    expect(person.errors).toEqual([]);
    expect(switches).toEqual([]);
  });
});

const closings = [1000, 1001, 1006, 1008, 1011] as const;
const faults: Record<string, Fault> = {
  ...Object.fromEntries(
    closings.map((code) => [`closes with ${code}`, { kind: 'drop', after: 2, code, reason: 'because' } as const]),
  ),
  'goes silent': { kind: 'stall', after: 2 },
};
const moments = ['idle', 'listening', 'thinking', 'speaking'] as const;

describe.each(names)('15. %s fails in a turn and the call goes on', (name) => {
  const cases = moments.flatMap((moment) => Object.keys(faults).map((fault) => [moment, fault] as const));

  it.each(cases)('%s: it %s', async (moment, faultName) => {
    const person = await call(...vendors[name]());
    await person.say([7]);
    await person.reply(0);
    const fault = faults[faultName] as Fault;
    vendorOf(name).breakWhen(moment, moment === 'speaking' ? fault : ({ ...fault, after: 0 } as Fault));
    if (moment === 'idle')
      await eventually('it broke', () => vendorOf(name).sessions.some(({ struck }) => struck.length > 0));
    await person.say([1, 2, 3, 4]);
    const expected = [20, 1, 2, 3, 4, 21, 22, 23, 24];
    const { words, text } = await person.reply(1);
    expect(withoutSeam(words, expected)).toEqual(expected);
    expect(text.trim().replace(/\s+/g, ' ')).toBe('w20 w1 w2 w3 w4 w21 w22 w23 w24');
    await person.say([5, 6]);
    expect((await person.reply(2)).words).toEqual([20, 5, 6, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w7', 'w1 w2 w3 w4', 'w5 w6']);
    expect(person.replies).toHaveLength(3);
    expect(person.errors).toEqual([]);
  });
});

describe.each(names)('%s refuses the first connection', (name) => {
  const refusals: readonly (readonly [string, Fault, Switch['kind']])[] = [
    ...([401, 402, 403, 429, 500, 503] as const).map(
      (status) => [`with ${status}`, { kind: 'status', status }, kindOfStatus(status)] as const,
    ),
    ['by a reset', { kind: 'refuse' }, 'unreachable'],
    ['by never answering', { kind: 'black-hole' }, 'timeout'],
  ];

  it.each(refusals)('%s: the next one has every word', async (_how, fault, kind) => {
    vendorOf(name).faults.fail(fault, Number.POSITIVE_INFINITY);
    const person = await call(...vendors[name]());
    await person.say([1, 2, 3]);
    expect((await person.reply(0)).words).toEqual([20, 1, 2, 3, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w1 w2 w3']);
    expect(person.errors).toEqual([]);
    await eventually('it is found out', () => failures.length > 0);
    expect(failures[0]).toBe(kind);
    expect(vendorOf(name).sessions).toHaveLength(0);
  });
});

describe.each(names)('16. a tool is running when %s fails', (name) => {
  it.each([1000, 1006, 1011, 'silent'] as const)('%s: it runs once, and its result is told', async (how) => {
    script = (heard, results) => {
      if (results.length > 0) return { text: ['w30 ', `${results.at(-1)} `, 'w31'] };
      return { toolCalls: [{ id: 'c1', name: 'look_up', arguments: `{"what":"${heard}"}` }] };
    };
    const person = await call(...vendors[name]());
    const fault: Fault = how === 'silent' ? { kind: 'stall', after: 0 } : { kind: 'drop', after: 0, code: how };
    vendorOf(name).breakWhen('tool', fault);
    await person.say([1, 2]);
    const { calls } = await person.reply(0);
    expect(calls.map(({ name: tool, args }) => [tool, JSON.parse(args)])).toEqual([['look_up', { what: 'w1 w2' }]]);
    await eventually('it broke', () => vendorOf(name).sessions.some(({ struck }) => struck.length > 0));
    await person.give(calls[0] as llm.FunctionCall, 'w5');
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
    await openaiVendor.close();
    openaiVendor = await startOpenAiRealtime({ sessionLimitMs: 5_000, reply: ({ lastUserText }) => say(lastUserText) });
    const person = await call(openaiModel());
    for (const word of [1, 2, 3, 4, 5]) {
      await person.say([word]);
      expect((await person.reply(word - 1)).words).toEqual([20, word, 21, 22, 23, 24]);
    }
    expect(openaiVendor.sessions.length).toBeGreaterThan(1);
    expect(person.heard).toEqual(['w1', 'w2', 'w3', 'w4', 'w5']);
    expect(failures).toEqual([]);
    expect(switches).toEqual([]);
    const told = openaiVendor.sessions.flatMap(({ sent }) => sent.filter((type) => type === 'error'));
    expect(told).toEqual([]);
  });

  it('by Gemini’s goAway, in the middle of a reply: it is said to its end', async () => {
    const words = Array.from({ length: 20 }, (_, i) => i);
    script = () => ({ text: words.map((word) => `w${word} `) });
    await geminiVendor.close();
    geminiVendor = await startGeminiLive({ speed: 2, reply: ({ turns }) => scripted(turns) });
    const person = await call(geminiModel());
    const replying = person.ask();
    await eventually('it speaks', () => (geminiVendor.sessions[0]?.replies[0]?.words.length ?? 0) > 4);
    geminiVendor.goAway(1_500);
    const { words: heard } = await replying;
    expect(withoutSeam(heard, words)).toEqual(words);
    expect(geminiVendor.sessions).toHaveLength(2);
    expect(failures).toEqual([]);
  });
});

describe('whoever serves', () => {
  it.each(names)('%s is interrupted by the caller', async (name) => {
    const words = Array.from({ length: 30 }, (_, i) => i % 20);
    script = (heard) => (heard === '' ? { text: words.map((word) => `w${word} `) } : say(heard));
    const person = await call(...vendors[name]());
    const first = person.ask('Talk.');
    await eventually('it speaks', () => person.replies[0] !== undefined);
    person.session.on('input_speech_started', () => void person.session.interrupt());
    await person.say([1, 2]);
    await first;
    expect((await person.reply(1)).words).toEqual([20, 1, 2, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w1 w2']);
    expect(failures).toEqual([]);
  });

  it.each(names)('%s gets the conversation with tools from the one before', async (name) => {
    script = (heard, results) => {
      if (results.length === 0) return { toolCalls: [{ id: 'c1', name: 'look_up', arguments: '{"n":1}' }] };
      return heard === 'w9' ? { text: ['w40 ', ...results.map((result) => `${result} `)] } : { text: ['w30 '] };
    };
    const person = await call(...vendors[name]());
    await person.say([1]);
    const { calls } = await person.reply(0);
    await person.give(calls[0] as llm.FunctionCall, 'w5');
    expect((await person.ask()).words).toEqual([30]);
    vendorOf(name).faults.fail({ kind: 'status', status: 401 }, Number.POSITIVE_INFINITY);
    vendorOf(name).breakWhen('idle', { kind: 'drop', after: 0, code: 1006 });
    await eventually('the other serves', () => switches.length === 1);
    await person.say([9]);
    expect((await person.reply(2)).words).toEqual([40, 5]);
    expect(person.heard).toEqual(['w1', 'w9']);
  });

  it('a question of the owner’s that a failure meets is answered once', async () => {
    script = () => ({ text: ['w1 ', 'w2 ', 'w3'] });
    openaiVendor.breakWhen('thinking', { kind: 'stall', after: 0 });
    const person = await call(openaiModel(), geminiModel());
    expect((await person.ask('Greet.')).words).toEqual([1, 2, 3]);
    expect(person.replies).toHaveLength(1);
    expect(failures).toEqual(['timeout']);
  });
});
