// cartesia: the common suite on its fixture, how words find their place, and what becomes of every way to fail.
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { type CartesiaFixture, type CartesiaOptions, startCartesia } from '../../../fixtures/vendors/cartesia.ts';
import { cartesia } from '../../../src/tts/providers/cartesia.ts';
import { ttsConformance } from '../../conformance/tts.ts';
import { describeFailures, listen, soundingVoice, words } from '../support/voice-vendor.ts';

const KEY = 'sk_car_secret';
const clientOf = (vendor: CartesiaFixture, key = KEY) =>
  cartesia.create({ env: { CARTESIA_API_KEY: key, CARTESIA_BASE_URL: `${vendor.url}/` } });

async function started(options: CartesiaOptions = {}) {
  const vendor = await startCartesia(options);
  const client = clientOf(vendor);
  onTestFinished(async () => {
    await client.close();
    await vendor.close();
  });
  return { vendor, client };
}

let sounding: CartesiaFixture;
beforeAll(async () => {
  sounding = await startCartesia({ voice: soundingVoice, paceMs: 1 });
});
afterAll(() => sounding.close());
afterEach(() => sounding.faults.mend());

ttsConformance('cartesia', () => clientOf(sounding), { traits: cartesia.traits });

describeFailures('cartesia', {
  start: () => startCartesia({ key: KEY, paceMs: 2 }),
  client: clientOf,
  secret: KEY,
  failures: [
    ['a spent account', 'quota', { kind: 'status', status: 402 }],
    ['a limit', 'rate-limit', { kind: 'status', status: 429, retryAfterS: 3 }],
    ['an outage', 'server', { kind: 'status', status: 503 }],
    ['a model that is none', 'invalid-request', { kind: 'status', status: 404 }],
    ['a key that is told to be bad inside', 'auth', { kind: 'late-auth' }],
    ['a spent account, told inside', 'quota', { kind: 'error-event', after: 2, status: 402 }],
    ['too many at once, told inside', 'rate-limit', { kind: 'error-event', after: 0, status: 429 }],
    ['a bad key, told inside', 'auth', { kind: 'error-event', after: 0, status: 401 }],
    ['its own fault, told inside', 'server', { kind: 'error-event', after: 2, status: 500 }],
    [
      'a quota by its code',
      'quota',
      { kind: 'error-event', after: 0, status: 429, code: 'quota_exceeded', message: 'You used all.' },
    ],
  ],
});

describe('what is asked of it', () => {
  it('is one context for a reply, clause after clause, in the same settings', async () => {
    const { vendor, client } = await started();
    await listen(client, 'Hello w1 w2. Then w3 w4 w5.', { language: 'es', voice: 'v-1' });
    const [first, second, last] = vendor.messages;
    expect(vendor.messages).toHaveLength(3);
    expect(first).toEqual({
      model_id: 'sonic-3.5',
      voice: { mode: 'id', id: 'v-1' },
      language: 'es',
      output_format: { container: 'raw', encoding: 'pcm_s16le', sample_rate: 24_000 },
      add_timestamps: true,
      max_buffer_delay_ms: 0,
      context_id: expect.any(String),
      transcript: 'Hello w1 w2. ',
      continue: true,
    });
    expect(second).toEqual({ ...first, transcript: 'Then w3 w4 w5. ' });
    expect(last).toEqual({ ...first, transcript: '', continue: false });
  });

  it('is told in the headers of the handshake by whom and in which version, never in its address', async () => {
    const { vendor, client } = await started();
    await listen(client, 'w1.');
    expect(vendor.requests[0]).toMatchObject({
      method: 'WS',
      path: '/tts/websocket',
      headers: { 'x-api-key': KEY, 'cartesia-version': '2026-03-01' },
    });
    expect([...(vendor.requests[0]?.query ?? [])]).toEqual([]);
  });

  it('ends with a cancellation where the reply is cancelled', async () => {
    const { vendor, client } = await started({ paceMs: 20 });
    const abort = new AbortController();
    const session = client.open({ voice: 'v', language: 'en', signal: abort.signal });
    session.write('w1 w2 w3 w4. ');
    session.flush();
    for await (const part of session.parts) if (part.type === 'audio') abort.abort();
    const id = vendor.messages[0]?.context_id;
    await expect.poll(() => vendor.messages.at(-1)).toEqual({ context_id: id, cancel: true });
  });
});

describe('a pause in mid-reply', () => {
  const parted = async (options: CartesiaOptions, pauseMs: number) => {
    const { vendor, client } = await started({ ...options, contextMs: 100 });
    const session = client.open({ voice: 'v', language: 'en', signal: new AbortController().signal });
    const heard = words(session.parts);
    session.write('w1 w2. ');
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    session.write('w3 w4. w5 w6. ');
    session.end();
    const contexts = () => new Set(vendor.messages.map(({ context_id }) => context_id)).size;
    return { heard: await heard, contexts };
  };

  it.each([
    ['that ends the context with a done', { expiry: 'told' }, 300],
    ['after which the context takes nothing more', { expiry: 'silent' }, 300],
    ['so long that the context is not tried', { expiry: 'silent' }, 900],
  ] as const)('%s loses nothing and says nothing twice', async (_what, options, pauseMs) => {
    const { heard, contexts } = await parted(options, pauseMs);
    expect(heard.tones).toEqual([1, 2, 3, 4, 5, 6]);
    expect(heard.texts.join('')).toBe('w1 w2. w3 w4. w5 w6. ');
    expect(heard.startsMs).toEqual([0, 300, 600, 900, 1200, 1500]);
    expect(heard.ends).toBe(1);
    expect(contexts()).toBe(2);
  });
});

describe('times of words', () => {
  it.each(['before', 'after', 'never'] as const)('that come %s their sound lose no word', async (timestamps) => {
    const { client } = await started({ timestamps });
    const heard = await listen(client, 'w1 w2 w3 w4. w5 w6.');
    expect(heard.texts.join('')).toBe('w1 w2 w3 w4. w5 w6.');
    expect(heard.tones).toEqual([1, 2, 3, 4, 5, 6]);
    if (timestamps !== 'never') expect(heard.late).toBe(0);
  });

  it('are the session’s across its segments', async () => {
    const { client } = await started();
    const heard = await listen(client, 'w1 w2. ', {}, 'w3 w4.');
    expect(heard.startsMs).toEqual([0, 300, 600, 900]);
    expect(heard.ends).toBe(2);
  });
});

describe('the check', () => {
  const check = (vendor: CartesiaFixture, key = KEY) => clientOf(vendor, key).check?.(AbortSignal.timeout(5000));

  it('lists voices and speaks nothing', async () => {
    const { vendor } = await started({ key: KEY });
    await check(vendor);
    expect(vendor.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /voices']);
  });

  it.each([
    ['auth', { kind: 'status', status: 401 }, undefined],
    ['quota', { kind: 'status', status: 402 }, undefined],
    ['rate-limit', { kind: 'status', status: 429, retryAfterS: 7 }, 7000],
    ['server', { kind: 'status', status: 500 }, undefined],
    ['unreachable', { kind: 'refuse' }, undefined],
  ] as [string, Fault, number | undefined][])('tells %s', async (kind, fault, retryAfterMs) => {
    const { vendor } = await started();
    vendor.faults.fail(fault, Number.POSITIVE_INFINITY);
    await expect(check(vendor)).rejects.toMatchObject({ kind, provider: 'cartesia', retryAfterMs });
    expect(vendor.requests).toHaveLength(1);
  });

  it('tells a wrong key', async () => {
    const { vendor } = await started({ key: KEY });
    await expect(check(vendor, 'other')).rejects.toMatchObject({ kind: 'auth' });
  });
});
