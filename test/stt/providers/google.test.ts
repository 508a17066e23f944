// google: the common suite on its fixture, what it asks, and what becomes of every way to fail.
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { type GoogleSpeechFixture, startGoogleSpeech } from '../../../fixtures/vendors/google-speech.ts';
import { google } from '../../../src/stt/providers/google/google.ts';
import { createGoogleSpeech } from '../../../src/stt/providers/google/rest.ts';
import { collectStt, sttConformance } from '../../conformance/stt.ts';
import { finalsOf, markedSpeech, say } from '../support/marked-speech.ts';

const KEY = 'AIza-key-of-the-test';
const speech = markedSpeech([1, 4, 9], 'please-hold');
let vendor: GoogleSpeechFixture;
beforeAll(async () => {
  vendor = await startGoogleSpeech({ apiKey: KEY });
});
afterAll(() => vendor.close());
afterEach(() => vendor.faults.mend());

const client = (apiKey = KEY) => google.create({ env: { GOOGLE_API_KEY: apiKey, GOOGLE_SPEECH_BASE_URL: vendor.url } });

sttConformance('google', () => client(), { traits: google.traits, speech, heard: /^w1 w4 w9$/ });

function hear(from = client(), options = {}) {
  const session = from.open({ language: 'en-US', signal: new AbortController().signal, ...options });
  say(session, speech);
  session.end();
  return collectStt(session.parts);
}

const lastRequest = () => JSON.parse(String(vendor.requests.at(-1)?.body));

describe('its request', () => {
  it('names the model, the audio and the key in a header', async () => {
    await hear();
    expect(lastRequest().config).toEqual({
      encoding: 'LINEAR16',
      sampleRateHertz: 16_000,
      languageCode: 'en-US',
      model: 'latest_long',
      enableWordTimeOffsets: true,
      enableAutomaticPunctuation: true,
    });
    expect(vendor.requests.at(-1)?.query.size).toBe(0);
  });

  it('names a region for a language that has none, and the words that are likely', async () => {
    const session = client().open({ language: 'es', keyPhrases: ['Zorbly'], signal: new AbortController().signal });
    session.expect?.({ kind: 'phrases', phrases: ['sí'] });
    say(session, speech);
    session.end();
    await collectStt(session.parts);
    expect(lastRequest().config).toMatchObject({
      languageCode: 'es-ES',
      speechContexts: [{ phrases: ['sí', 'Zorbly'] }],
    });
  });

  it('asks for the model of the configuration', async () => {
    await hear(createGoogleSpeech({ apiKey: KEY, baseUrl: vendor.url, model: 'telephony' }));
    expect(lastRequest().config.model).toBe('telephony');
  });
});

it('gives finals in order when the first answer is slow', async () => {
  vendor.faults.fail({ kind: 'slow', delayMs: 150 });
  const session = client().open({ language: 'en-US', signal: new AbortController().signal });
  say(session, markedSpeech([1, 2]));
  say(session, markedSpeech([3, 4]));
  session.end();
  expect(finalsOf(await collectStt(session.parts))).toEqual(['w1 w2', 'w3 w4']);
});

it('is answered by silence with no words and no error', async () => {
  vendor.faults.fail({ kind: 'empty' });
  expect((await hear()).map(({ type }) => type)).toEqual(['speech-start', 'speech-end']);
});

it('hears through a trickle', async () => {
  vendor.faults.fail({ kind: 'trickle', after: 1, everyMs: 20 });
  expect(finalsOf(await hear())).toEqual(['w1 w4 w9']);
});

describe('failures', () => {
  it.each<[string, Fault, object]>([
    ['400', { kind: 'status', status: 400 }, { kind: 'invalid-request', status: 400 }],
    ['an expired key', { kind: 'status', status: 400, code: 'API_KEY_INVALID' }, { kind: 'auth', status: 400 }],
    ['401', { kind: 'status', status: 401 }, { kind: 'auth', status: 401 }],
    ['402', { kind: 'status', status: 402 }, { kind: 'quota', status: 402 }],
    ['403', { kind: 'status', status: 403 }, { kind: 'forbidden', status: 403 }],
    ['no billing', { kind: 'status', status: 403, code: 'BILLING_DISABLED' }, { kind: 'quota', status: 403 }],
    ['404', { kind: 'status', status: 404 }, { kind: 'invalid-request', status: 404 }],
    ['422', { kind: 'status', status: 422 }, { kind: 'invalid-request', status: 422 }],
    [
      '429 with a time',
      { kind: 'status', status: 429, retryAfterS: 7 },
      { kind: 'rate-limit', status: 429, retryAfterMs: 7000 },
    ],
    [
      '429 with words of a quota',
      { kind: 'status', status: 429, code: 'RATE_LIMIT_EXCEEDED', message: 'Quota exceeded for quota metric' },
      { kind: 'rate-limit', status: 429, retryAfterMs: undefined },
    ],
    ['500', { kind: 'status', status: 500 }, { kind: 'server', status: 500 }],
    ['503', { kind: 'status', status: 503 }, { kind: 'server', status: 503 }],
    ['529', { kind: 'status', status: 529 }, { kind: 'server', status: 529 }],
    ['refuse', { kind: 'refuse' }, { kind: 'unreachable' }],
    ['drop before the body', { kind: 'drop', after: 0 }, { kind: 'unreachable' }],
    ['drop in the body', { kind: 'drop', after: 2 }, { kind: 'unreachable' }],
    ['an early end', { kind: 'end-early', after: 2 }, { kind: 'malformed' }],
    ['cut JSON', { kind: 'malformed-json', after: 0 }, { kind: 'malformed' }],
    ['an error under status 200', { kind: 'error-event', after: 0, status: 503 }, { kind: 'server', status: 503 }],
  ])('%s', async (_name, fault, expected) => {
    vendor.faults.fail(fault);
    const error = await hear().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ProviderError', provider: 'google', ...expected });
    expect(inspect(error, { depth: 8 })).not.toContain(KEY);
  });

  it.each<[string, Fault]>([
    ['a black hole', { kind: 'black-hole' }],
    ['silence in the body', { kind: 'stall', after: 1 }],
  ])('%s is bounded', async (_name, fault) => {
    vendor.faults.fail(fault);
    const impatient = createGoogleSpeech({ apiKey: KEY, baseUrl: vendor.url, timeoutMs: 100 });
    await expect(hear(impatient)).rejects.toMatchObject({ kind: 'timeout', provider: 'google' });
  });

  it('a wrong key and none', async () => {
    await expect(hear(client('wrong'))).rejects.toMatchObject({ kind: 'auth', status: 400 });
    await expect(hear(client(''))).rejects.toMatchObject({ kind: 'forbidden', status: 403 });
  });
});

describe('its check', () => {
  const check = (apiKey?: string) => client(apiKey).check?.(new AbortController().signal);

  it('costs nothing and tells a wrong key and an outage', async () => {
    const before = vendor.requests.length;
    await check();
    await expect(check('wrong')).rejects.toMatchObject({ kind: 'auth' });
    vendor.faults.fail({ kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
    await expect(check()).rejects.toMatchObject({ kind: 'server' });
    expect(vendor.requests.slice(before).map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
  });

  it('takes a service without that list for one that stands', async () => {
    vendor.faults.fail({ kind: 'status', status: 501 }, Number.POSITIVE_INFINITY);
    await check();
  });
});
