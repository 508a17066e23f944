// whisper: the common suite on its fixture, what it asks, and what becomes of every way to fail.
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { startWhisper, type WhisperFixture } from '../../../fixtures/vendors/whisper.ts';
import { createWhisper, whisper } from '../../../src/stt/providers/whisper.ts';
import { collectStt, sttConformance } from '../../conformance/stt.ts';
import { finalsOf, markedSpeech, say } from '../support/marked-speech.ts';

const KEY = 'sk-key-of-the-test';
const speech = markedSpeech([2, 5, 8], 'please-hold');
let vendor: WhisperFixture;
beforeAll(async () => {
  vendor = await startWhisper({ apiKey: KEY, models: ['whisper-1', 'gpt-4o-transcribe'] });
});
afterAll(() => vendor.close());
afterEach(() => vendor.faults.mend());

const client = (apiKey = KEY) => whisper.create({ env: { OPENAI_API_KEY: apiKey, WHISPER_BASE_URL: vendor.url } });

sttConformance('whisper', () => client(), { traits: whisper.traits, speech, heard: /^w2 w5 w8$/ });

function hear(from = client(), options = {}) {
  const session = from.open({ language: 'en-US', signal: new AbortController().signal, ...options });
  say(session, speech);
  session.end();
  return collectStt(session.parts);
}

function lastForm(): Promise<FormData> {
  const { body, headers } = vendor.requests.at(-1) ?? { body: '', headers: {} };
  return new Response(new Uint8Array(Buffer.from(body)), {
    headers: { 'content-type': headers['content-type'] ?? '' },
  }).formData();
}

describe('its request', () => {
  it('is a WAV file with the base language, and asks for words', async () => {
    await hear();
    const form = await lastForm();
    expect(form.get('file')).toMatchObject({ name: 'speech.wav', type: 'audio/wav' });
    expect(form.get('model')).toBe('whisper-1');
    expect(form.get('language')).toBe('en');
    expect(form.get('response_format')).toBe('verbose_json');
    expect(form.getAll('timestamp_granularities[]')).toEqual(['word', 'segment']);
    expect(form.has('prompt')).toBe(false);
  });

  it('gives the words that are likely as a prompt, and no language where there is none', async () => {
    await hear(client(), { keyPhrases: ['Zorbly', 'Harbor Solar'], language: '' });
    const form = await lastForm();
    expect(form.get('prompt')).toBe('Zorbly, Harbor Solar');
    expect(form.has('language')).toBe(false);
  });

  it('asks a newer model in the form that it knows', async () => {
    const parts = await hear(createWhisper({ apiKey: KEY, baseUrl: vendor.url, model: 'gpt-4o-transcribe' }));
    expect(finalsOf(parts)).toEqual(['w2 w5 w8']);
    expect((await lastForm()).get('response_format')).toBe('json');
  });
});

it('works without a key where the server wants none', async () => {
  const open = await startWhisper();
  const keyless = whisper.create({ env: { WHISPER_BASE_URL: open.url } });
  expect(finalsOf(await hear(keyless))).toEqual(['w2 w5 w8']);
  await open.close();
});

it('needs a key or a server of one’s own', () => {
  expect(whisper.needsOneOf).toEqual(['OPENAI_API_KEY', 'WHISPER_BASE_URL']);
});

it('gives finals in order when the first answer is slow', async () => {
  vendor.faults.fail({ kind: 'slow', delayMs: 150 });
  const session = client().open({ language: 'en-US', signal: new AbortController().signal });
  say(session, markedSpeech([1, 2], 'please-hold'));
  say(session, markedSpeech([3, 4], 'please-hold'));
  session.end();
  expect(finalsOf(await collectStt(session.parts))).toEqual(['w1 w2', 'w3 w4']);
});

it('is answered by silence with no words and no error', async () => {
  vendor.faults.fail({ kind: 'empty' });
  expect((await hear()).map(({ type }) => type)).toEqual(['speech-start', 'speech-end']);
});

describe('failures', () => {
  it.each<[string, Fault, object]>([
    ['400', { kind: 'status', status: 400 }, { kind: 'invalid-request', status: 400 }],
    ['401', { kind: 'status', status: 401, code: 'invalid_api_key' }, { kind: 'auth', status: 401 }],
    ['402', { kind: 'status', status: 402 }, { kind: 'quota', status: 402 }],
    ['403', { kind: 'status', status: 403 }, { kind: 'forbidden', status: 403 }],
    ['404', { kind: 'status', status: 404, code: 'model_not_found' }, { kind: 'invalid-request', status: 404 }],
    ['422', { kind: 'status', status: 422 }, { kind: 'invalid-request', status: 422 }],
    [
      '429 with a time',
      { kind: 'status', status: 429, code: 'rate_limit_exceeded', retryAfterS: 7 },
      { kind: 'rate-limit', status: 429, retryAfterMs: 7000 },
    ],
    ['429 by quota', { kind: 'status', status: 429, code: 'insufficient_quota' }, { kind: 'quota', status: 429 }],
    ['500', { kind: 'status', status: 500 }, { kind: 'server', status: 500 }],
    ['503', { kind: 'status', status: 503 }, { kind: 'server', status: 503 }],
    ['529', { kind: 'status', status: 529 }, { kind: 'server', status: 529 }],
    ['refuse', { kind: 'refuse' }, { kind: 'unreachable' }],
    ['drop before the body', { kind: 'drop', after: 0 }, { kind: 'unreachable' }],
    ['drop in the body', { kind: 'drop', after: 2 }, { kind: 'unreachable' }],
    ['an early end', { kind: 'end-early', after: 2 }, { kind: 'malformed' }],
    ['cut JSON', { kind: 'malformed-json', after: 0 }, { kind: 'malformed' }],
    ['an error under status 200', { kind: 'error-event', after: 0 }, { kind: 'server' }],
    ['a quota under status 200', { kind: 'error-event', after: 0, code: 'insufficient_quota' }, { kind: 'quota' }],
  ])('%s', async (_name, fault, expected) => {
    vendor.faults.fail(fault);
    const before = vendor.requests.length;
    const error = await hear().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ProviderError', provider: 'whisper', ...expected });
    expect(inspect(error, { depth: 8 })).not.toContain(KEY);
    expect(vendor.requests.length - before).toBe(1);
  });

  it.each<[string, Fault]>([
    ['a black hole', { kind: 'black-hole' }],
    ['silence in the body', { kind: 'stall', after: 1 }],
  ])('%s is bounded', async (_name, fault) => {
    vendor.faults.fail(fault);
    const impatient = createWhisper({ apiKey: KEY, baseUrl: vendor.url, timeoutMs: 100 });
    await expect(hear(impatient)).rejects.toMatchObject({ kind: 'timeout', provider: 'whisper' });
  });

  it('a wrong key, which no message tells', async () => {
    const error = await hear(client('sk-wrong')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'auth', message: 'whisper: 401 the key was refused' });
    expect(inspect(error, { depth: 8 })).not.toContain('sk-wrong');
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
    expect(vendor.requests.slice(before).map(({ path }) => path)).toEqual(['/v1/models', '/v1/models', '/v1/models']);
  });

  it('takes a server without that list for one that stands', async () => {
    vendor.faults.fail({ kind: 'status', status: 404 }, Number.POSITIVE_INFINITY);
    await check();
  });
});
