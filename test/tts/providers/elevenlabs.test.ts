// elevenlabs: the common suite on its fixture, how words find their place, and what becomes of every way to fail.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import {
  type ElevenLabsFixture,
  type ElevenLabsOptions,
  startElevenLabs,
} from '../../../fixtures/vendors/elevenlabs.ts';
import { elevenlabs } from '../../../src/tts/providers/elevenlabs/elevenlabs.ts';
import { ttsConformance } from '../../conformance/tts.ts';
import { describeFailures, listen, soundingVoice, tryToListen, words } from '../support/voice-vendor.ts';

const KEY = 'sk_el_secret';
const clientOf = (vendor: ElevenLabsFixture, key = KEY) =>
  elevenlabs.create({ env: { ELEVENLABS_API_KEY: key, ELEVENLABS_BASE_URL: `${vendor.url}/v1/` } });

async function started(options: ElevenLabsOptions = {}) {
  const vendor = await startElevenLabs(options);
  const client = clientOf(vendor);
  onTestFinished(async () => {
    await client.close();
    await vendor.close();
  });
  return { vendor, client };
}

let sounding: ElevenLabsFixture;
beforeAll(async () => {
  sounding = await startElevenLabs({ voice: soundingVoice, paceMs: 1 });
});
afterAll(() => sounding.close());

ttsConformance('elevenlabs', () => clientOf(sounding), { traits: elevenlabs.traits });

const told = (code: string, after = 0): Fault => ({ kind: 'error-event', after, code, message: 'In its words.' });

describeFailures('elevenlabs', {
  start: () => startElevenLabs({ key: KEY, paceMs: 2 }),
  client: clientOf,
  secret: KEY,
  failures: [
    ['a spent quota at the handshake', 'quota', { kind: 'status', status: 401, code: 'quota_exceeded' }],
    ['a bad key at the handshake', 'auth', { kind: 'status', status: 401, code: 'invalid_api_key' }],
    ['unusual activity', 'forbidden', { kind: 'status', status: 401, code: 'detected_unusual_activity' }],
    ['a limit', 'rate-limit', { kind: 'status', status: 429, code: 'too_many_concurrent_requests' }],
    ['an outage', 'server', { kind: 'status', status: 503 }],
    ['a voice that is none', 'invalid-request', { kind: 'status', status: 404 }],
    ['a bad key, told inside', 'auth', { kind: 'late-auth' }],
    ['a spent quota, told inside', 'quota', told('quota_exceeded')],
    ['a spent quota in mid-reply', 'quota', told('quota_exceeded', 5)],
    ['a busy system', 'rate-limit', told('system_busy', 2)],
    ['a voice that is none, told inside', 'invalid-request', told('voice_not_found')],
    ['its own fault', 'server', told('internal_server_error', 2)],
    ['a close with a key’s message', 'auth', { kind: 'drop', after: 0, code: 1008, reason: 'Invalid API key' }],
    ['a close with a quota’s message', 'quota', { kind: 'drop', after: 2, code: 1008, reason: 'Exceeds your quota' }],
  ],
});

describe('what is asked of it', () => {
  it('is a context for a reply, clause after clause', async () => {
    const { vendor, client } = await started();
    await listen(client, 'Hello w1 w2. Then w3 w4 w5.');
    const context_id = vendor.messages[0]?.context_id;
    expect(vendor.messages).toEqual([
      { text: ' ', context_id },
      { text: 'Hello w1 w2. ', context_id, flush: true },
      { text: 'Then w3 w4 w5. ', context_id, flush: true },
      { text: '', context_id, flush: true },
      { context_id, close_context: true },
    ]);
  });

  it('is told in the address: model, voice, language, format and the clock of its times; the key in a header', async () => {
    const { vendor, client } = await started();
    await listen(client, 'w1.', { voice: 'v/1', language: 'fr' });
    const [request] = vendor.requests;
    expect(request).toMatchObject({
      method: 'WS',
      path: '/v1/text-to-speech/v%2F1/multi-stream-input',
      headers: { 'xi-api-key': KEY },
    });
    expect(Object.fromEntries(request?.query ?? [])).toEqual({
      model_id: 'eleven_flash_v2_5',
      language_code: 'fr',
      output_format: 'pcm_24000',
      auto_mode: 'true',
      sync_alignment: 'true',
      inactivity_timeout: '180',
    });
  });

  it('never is more than five contexts of one socket, also where replies are cancelled one after another', async () => {
    const { vendor, client } = await started({ paceMs: 10 });
    for (let times = 0; times < 12; times++) {
      const abort = new AbortController();
      const session = client.open({ voice: 'v', language: 'en', signal: abort.signal });
      session.write('w1 w2 w3 w4 w5 w6. ');
      session.end();
      for await (const part of session.parts) if (part.type === 'audio') abort.abort();
    }
    expect((await listen(client, 'w1 w2.')).tones).toEqual([1, 2]);
    expect(vendor.messages.filter(({ close_context }) => close_context).length).toBeGreaterThanOrEqual(12);
  });
});

describe('times of words', () => {
  it('are the session’s across its segments and clauses', async () => {
    const { client } = await started();
    const heard = await listen(client, 'Hello w1 w2. Then w3. ', {}, 'w4 w5.');
    expect(heard.texts.join('')).toBe('Hello w1 w2. Then w3. w4 w5.');
    expect(heard.startsMs).toEqual([0, 300, 600, 900, 1200, 1500, 1800]);
    expect(heard).toMatchObject({ ends: 2, late: 0 });
  });

  it('stand where the vendor reads a number in words', async () => {
    const spoken = (text: string) => text.replace('$5', 'five dollars');
    const voice = {
      speak: (text: string, rateHz: number) => soundingVoice.speak(spoken(text), rateHz),
    };
    const { client } = await started({ voice });
    const heard = await listen(client, 'It is $5 today.');
    expect(heard.texts).toEqual(['It ', 'is ', '$5 ', 'today.']);
    expect(heard.startsMs).toEqual([0, 300, 600, 1200]);
    expect(heard.late).toBe(0);
  });
});

describe('a socket without work', () => {
  it('that the vendor closes is replaced when the text comes', async () => {
    const { vendor, client } = await started({ inactivityMs: 500 });
    const session = client.open({ voice: 'v', language: 'en', signal: new AbortController().signal });
    const heard = words(session.parts);
    await expect.poll(() => vendor.requests.length > 0 && vendor.connections() === 0, { timeout: 10_000 }).toBe(true);
    session.write('w1 w2.');
    session.end();
    expect(await heard).toMatchObject({ tones: [1, 2], error: undefined });
  });
});

describe('the check', () => {
  const check = (vendor: ElevenLabsFixture, key = KEY) => clientOf(vendor, key).check?.(AbortSignal.timeout(5000));

  it('reads the subscription and speaks nothing', async () => {
    const { vendor } = await started({ key: KEY });
    await check(vendor);
    expect(vendor.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/user/subscription']);
  });

  it('tells that all characters are used', async () => {
    const { vendor } = await started({ usedCharacters: 10_000 });
    await expect(check(vendor)).rejects.toMatchObject({ kind: 'quota', provider: 'elevenlabs' });
  });

  it('passes where the key may not read it', async () => {
    const { vendor } = await started();
    vendor.faults.fail({ kind: 'status', status: 401, code: 'missing_permissions' }, Number.POSITIVE_INFINITY);
    await expect(check(vendor)).resolves.toBeUndefined();
  });

  it.each([
    ['auth', { kind: 'status', status: 401 }, undefined],
    ['quota', { kind: 'status', status: 401, code: 'quota_exceeded' }, undefined],
    ['rate-limit', { kind: 'status', status: 429, retryAfterS: 7 }, 7000],
    ['server', { kind: 'status', status: 500 }, undefined],
    ['unreachable', { kind: 'refuse' }, undefined],
  ] as [string, Fault, number | undefined][])('tells %s', async (kind, fault, retryAfterMs) => {
    const { vendor } = await started();
    vendor.faults.fail(fault, Number.POSITIVE_INFINITY);
    await expect(check(vendor)).rejects.toMatchObject({ kind, provider: 'elevenlabs', retryAfterMs });
    expect(vendor.requests).toHaveLength(1);
  });
});

it('says nothing of the vendor’s sentence in its errors', async () => {
  const { vendor, client } = await started();
  vendor.faults.fail({ kind: 'error-event', after: 0, code: 'odd', message: `about ${KEY}` });
  const { error } = await tryToListen(client, ['w1.']);
  expect(String(error)).not.toContain(KEY);
});
