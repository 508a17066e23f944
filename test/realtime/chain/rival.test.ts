// A session that is late gets a rival beside it: the first of the two to speak is heard, and nobody is blamed for being late.
import { initializeLogger } from '@livekit/agents';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls, type Script } from '../support/calls.ts';

let calls: RealtimeCalls;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
afterEach(() => calls.close());

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Who said it stands before it. */
const signed =
  (by: number): Script =>
  (heard) => ({ text: `w${by} ${heard} w24`.split(/(?<=\s)/) });

async function callWith(thinkMs: number) {
  calls = await RealtimeCalls.start({ openai: { thinkMs } });
  calls.script = (heard, results) => signed(20)(heard, results);
  return calls.call('OpenAI Realtime', 'Gemini Live');
}

describe('OpenAI answers late', () => {
  it('and before its rival: it is heard, and the rival is closed without blame', async () => {
    const person = await callWith(2_300);
    calls.gemini.faults.fail({ kind: 'slow', delayMs: 5_000 }, Number.POSITIVE_INFINITY);
    await person.say([1, 2]);
    expect((await person.reply(0)).words).toEqual([20, 1, 2, 24]);
    await eventually('the rival is closed', () => calls.gemini.connections() === 0);
    expect(calls.gemini.sessions).toHaveLength(1);
    await person.say([3]);
    expect((await person.reply(1)).words).toEqual([20, 3, 24]);
    expect(person.heard).toEqual(['w1 w2', 'w3']);
    expect(person.replies).toHaveLength(2);
    expect(calls.openai.sessions).toHaveLength(1);
    expect(calls.hedges).toEqual(['lost', 'lost']);
    expect([calls.failures, calls.switches]).toEqual([[], []]);
  });

  it('and after its rival: the rival is heard, once, and the late one is measured', async () => {
    const person = await callWith(3_300);
    await person.say([1, 2]);
    expect((await person.reply(0)).words).toEqual([20, 1, 2, 24]);
    expect(calls.hedges).toEqual(['won']);
    await eventually('the late one is done', () => calls.openai.connections() === 0);
    expect(calls.measured.some(([by, firstMs]) => by === 'openai.RealtimeModel' && firstMs > 2_500)).toBe(true);
    await person.say([3]);
    expect((await person.reply(1)).words).toEqual([20, 3, 24]);
    expect(person.heard).toEqual(['w1 w2', 'w3']);
    expect(person.replies).toHaveLength(2);
    await eventually('who was only late serves again', () => calls.openai.connections() > 0);
    expect(calls.failures).toEqual([]);
  });

  it('and both call a tool: it runs once', async () => {
    const person = await callWith(2_600);
    calls.script = (_heard, results) =>
      results.length === 0
        ? { toolCalls: [{ id: 'c1', name: 'look_up', arguments: '{}' }] }
        : { text: ['w30 ', `${results.at(-1)} `] };
    await person.say([1]);
    await person.reply(0);
    await sleep(1_500);
    const made = person.replies.flatMap((reply) => reply.calls);
    expect(made).toHaveLength(1);
    await person.give(made[0] as (typeof made)[0], 'w5');
    expect((await person.ask()).words).toEqual([30, 5]);
    expect(calls.failures).toEqual([]);
  });
});

it('Gemini is silent after the result of a tool: the next one is asked for the answer, and runs nothing again', async () => {
  calls = await RealtimeCalls.start({});
  calls.script = (_heard, results) =>
    results.length === 0
      ? { toolCalls: [{ id: 'c1', name: 'look_up', arguments: '{}' }] }
      : { text: ['w30 ', `${results.at(-1)} `] };
  const person = await calls.call('Gemini Live', 'OpenAI Realtime');
  await person.say([1]);
  await person.reply(0);
  await eventually('the tool is called', () => person.replies.some((reply) => reply.calls.length > 0));
  const made = person.replies.flatMap((reply) => reply.calls);
  calls.gemini.breakWhen('tool', { kind: 'stall', after: 0 });
  await person.give(made[0] as (typeof made)[0], 'w5');
  const sinceMs = performance.now();
  expect((await person.ask()).words).toEqual([30, 5]);
  // Alone, its deadline would be 8 s after the result.
  expect(performance.now() - sinceMs).toBeLessThan(7_000);
  expect(calls.hedges).toEqual(['won']);
  expect(person.replies.flatMap((reply) => reply.calls)).toHaveLength(1);
});

describe('sound that nobody answers', () => {
  it('of less than half a second costs nothing', async () => {
    const person = await callWith(20);
    await person.noise(300);
    await sleep(2_500);
    expect(calls.gemini.sessions).toHaveLength(0);
    await person.say([1]);
    expect((await person.reply(0)).words).toEqual([20, 1, 24]);
    expect(calls.openai.sessions).toHaveLength(1);
  });

  it('retires nobody, and the caller is heard on', async () => {
    const person = await callWith(20);
    await person.noise(1_500);
    await eventually('somebody else is asked', () => calls.gemini.sessions.length > 0);
    await eventually('which ends', () => calls.gemini.connections() === 0, 15_000);
    await person.say([1]);
    expect((await person.reply(0)).words).toEqual([20, 1, 24]);
    expect(calls.openai.sessions).toHaveLength(1);
    expect(person.heard).toEqual(['w1']);
    expect([calls.failures, calls.switches, calls.hedges]).toEqual([[], [], ['lost']]);
  });

  it('but was speech that a deaf session missed: another one answers it', async () => {
    const person = await callWith(20);
    await person.say([1]);
    await person.reply(0);
    calls.openai.breakWhen('idle', { kind: 'stall', after: 0 });
    await eventually('it broke', () => calls.openai.sessions[0]?.struck.length === 1);
    await person.say([2, 3]);
    expect((await person.reply(1)).words).toEqual([20, 2, 3, 24]);
    expect(person.heard).toEqual(['w1', 'w2 w3']);
    await eventually('the deaf one has failed', () => calls.failures.length > 0, 10_000);
    expect(calls.failures).toEqual(['timeout']);
    expect(calls.hedges).toEqual(['won']);
    expect(calls.switches.map(({ from, kind }) => [from, kind])).toEqual([['openai.RealtimeModel', 'timeout']]);
  });
});

describe('no storms', () => {
  it('two links that fail in turn are opened five times in a turn, then only after a wait', async () => {
    calls = await RealtimeCalls.start();
    const always = Number.POSITIVE_INFINITY;
    for (const vendor of [calls.openai, calls.gemini])
      vendor.faults.fail({ kind: 'drop', after: 2, code: 1011 }, always);
    const person = await calls.call('OpenAI Realtime', 'Gemini Live');
    await person.say([1, 2]);
    await eventually('nobody is left', () => calls.exhausted.length > 0, 15_000);
    const opened = () => calls.openai.sessions.length + calls.gemini.sessions.length;
    expect(opened()).toBeLessThanOrEqual(5);
    for (const vendor of [calls.openai, calls.gemini]) vendor.mend();
    const { words } = await person.reply(0);
    expect(words.filter((word, i) => word !== words[i - 1])).toEqual([20, 1, 2, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w1 w2']);
    expect(opened()).toBeLessThanOrEqual(6);
  });
});
