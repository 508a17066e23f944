// OpenAI says no to one thing while nothing is wrong with it: a second reply at once, a transcript, a model that has gone.
import { initializeLogger } from '@livekit/agents';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startOpenAiRealtime } from '../../../fixtures/vendors/openai-realtime.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { RealtimeChain } from '../../../src/realtime/livekit/realtime-chain.ts';
import { openaiRealtime } from '../../../src/realtime/providers/openai-realtime.ts';
import { closedError, refusedError, toldError } from '../../../src/realtime/session-errors.ts';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCaller } from '../support/caller.ts';
import { RealtimeCalls, repeat } from '../support/calls.ts';

let calls: RealtimeCalls | undefined;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
afterEach(async () => {
  await calls?.close();
  calls = undefined;
});

describe('a reply is asked for while server VAD answers a turn', () => {
  it.each([true, false])('and is given after that answer (the vendor names the refused request: %s)', async (names) => {
    calls = await RealtimeCalls.start({ openai: { namesRefused: names, thinkMs: 300 } });
    let asked = 0;
    calls.script = (heard) => (asked > 0 && heard === 'w1' && askedNow() ? { text: ['w40 '] } : repeat(heard, []));
    const person = await calls.call('OpenAI Realtime');
    const askedNow = () => (calls?.openai.sessions[0]?.responses.at(-1)?.instructions ?? '').includes('Say more');
    const more = new Promise<Awaited<ReturnType<typeof person.ask>>>((resolve, reject) => {
      person.session.once('input_speech_stopped', () => {
        asked += 1;
        person.ask('Say more.').then(resolve, reject);
      });
    });
    await person.say([1]);
    expect((await more).words).toEqual([40]);
    expect(person.replies.map(({ words }) => words)).toEqual([[20, 1, 21, 22, 23, 24], [40]]);
    expect(calls.openai.sessions).toHaveLength(1);
    expect(calls.failures).toEqual([]);
  });
});

it('a turn whose transcript failed has no words, and is not said again to the next session', async () => {
  calls = await RealtimeCalls.start({ openai: { failsTranscript: (words) => words === 'w1' } });
  const person = await calls.call('OpenAI Realtime');
  await person.say([1]);
  expect((await person.reply(0)).words).toEqual([20, 1, 21, 22, 23, 24]);
  calls.openai.breakWhen('idle', { kind: 'drop', after: 0, code: 1006 });
  await eventually('another session', () => calls?.openai.sessions.length === 2);
  await person.say([2]);
  expect((await person.reply(1)).words).toEqual([20, 2, 21, 22, 23, 24]);
  expect(calls.openai.sessions[1]?.heard.map(({ text }) => text)).toEqual(['w2']);
  expect(person.heard).toEqual(['w2']);
});

describe('a model that is gone', () => {
  it('is told, and the next one of the provider’s own serves the call', async () => {
    const vendor = await startOpenAiRealtime({ models: ['gpt-realtime-2.1'] });
    const failures: string[] = [];
    const env = { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: vendor.url };
    const client = openaiRealtime.create({ env, model: 'gpt-4o-realtime-preview' });
    const link = { id: 'openai-realtime', traits: openaiRealtime.traits, client };
    const chain = new RealtimeChain([link], {
      board: new MemoryHealthBoard(),
      onFailure: (_stage, _provider, { kind, isModelGone }) => failures.push(`${kind} ${isModelGone}`),
    });
    const person = new RealtimeCaller(chain.session());
    try {
      await person.say([1]);
      expect((await person.reply(0)).isComplete).toBe(true);
      expect(person.heard).toEqual(['w1']);
      expect(failures).toEqual(['invalid-request true', 'invalid-request true']);
      expect(vendor.sessions.map(({ model }) => model)).toEqual(['gpt-realtime-2.1']);
    } finally {
      await person.end();
      await chain.close();
      await vendor.close();
    }
  });

  it.each([
    ['in a handshake', () => refusedError('x', 404, {})],
    [
      'in an event of OpenAI’s',
      () => toldError('x', { error: { body: { code: 'model_not_found' }, message: 'The model does not exist.' } }),
    ],
    ['in OpenAI’s closing', () => closedError('x', 4000, 'invalid_request_error.model_not_found')],
    [
      'in Gemini’s closing',
      () => closedError('x', 1008, 'models/gone is not found for API version v1beta, or is not supported for bidi'),
    ],
  ])('is understood %s', (_where, error) => {
    expect(error()).toMatchObject({ kind: 'invalid-request', isModelGone: true });
  });
});

describe('Gemini closes with 1008', () => {
  it.each(['Operation is not implemented, or supported, or enabled.', 'Requested entity was not found.'])(
    'and %s: that passes',
    (reason) => expect(closedError('x', 1008, reason)).toMatchObject({ kind: 'server', isModelGone: false }),
  );
  it.each([
    ['API key not valid. Please pass a valid API key.', 'auth'],
    ['Operation is not implemented for this project.', 'forbidden'],
    ['because', 'forbidden'],
  ])('and %s: that does not', (reason, kind) => expect(closedError('x', 1008, reason)).toMatchObject({ kind }));
});
