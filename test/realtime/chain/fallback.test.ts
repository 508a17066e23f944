// What LiveKit's Python RealtimeModelFallbackAdapter promises, as cases of ours: cascade, exhaustion, regeneration, availability; and the microphone.
import { initializeLogger } from '@livekit/agents';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls, VENDORS } from '../support/calls.ts';

const always = Number.POSITIVE_INFINITY;
let calls: RealtimeCalls;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
beforeEach(async () => {
  calls = await RealtimeCalls.start();
});
afterEach(() => calls.close());

describe('as a fallback adapter', () => {
  it('cascade: each link is asked in order until one serves', async () => {
    calls.openai.faults.fail({ kind: 'status', status: 402 }, 2);
    const person = await calls.call('OpenAI Realtime', 'OpenAI Realtime', 'Gemini Live');
    await person.say([1, 2]);
    expect((await person.reply(0)).words).toEqual([20, 1, 2, 21, 22, 23, 24]);
    expect(calls.failures).toEqual(['quota', 'quota']);
    expect(calls.gemini.sessions).toHaveLength(1);
  });

  it('exhaustion: it is told once, nothing is lost, and the call goes on with whoever is well again first', async () => {
    for (const name of VENDORS) calls.vendor(name).faults.fail({ kind: 'status', status: 503 }, always);
    const person = await calls.call(...VENDORS);
    await eventually('nobody is left', () => calls.exhausted.length > 0);
    await person.say([1, 2, 3]);
    calls.gemini.mend();
    const { words } = await person.reply(0);
    expect(words).toEqual([20, 1, 2, 3, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w1 w2 w3']);
    expect(person.errors).toEqual([]);
    expect(calls.exhausted).toHaveLength(1);
  });

  it('regeneration: a reply of which nothing was heard is made again by the next one, once', async () => {
    calls.openai.breakWhen('thinking', { kind: 'drop', after: 0, code: 1011 });
    const person = await calls.call(...VENDORS);
    await person.say([4]);
    expect((await person.reply(0)).words).toEqual([20, 4, 21, 22, 23, 24]);
    expect(person.replies).toHaveLength(1);
  });

  it('availability: another call asks nobody who is known to be down', async () => {
    calls.openai.faults.fail({ kind: 'status', status: 401 }, always);
    const person = await calls.call(...VENDORS);
    await person.say([1]);
    await person.reply(0);
    const asked = calls.openai.requests.length;
    await person.end();
    const next = await calls.callAgain();
    await next.say([2]);
    expect((await next.reply(0)).words).toEqual([20, 2, 21, 22, 23, 24]);
    expect(calls.openai.requests).toHaveLength(asked);
  });

  it('the microphone: what is said while nobody is connected is heard', async () => {
    for (const name of VENDORS) calls.vendor(name).faults.fail({ kind: 'black-hole' }, 1);
    const person = await calls.call('OpenAI Realtime', 'Gemini Live', 'OpenAI Realtime');
    await person.say([5, 6, 7]);
    expect((await person.reply(0)).words).toEqual([20, 5, 6, 7, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w5 w6 w7']);
  });
});
