// silero: the common suite on its fixture, what it asks, and what becomes of every way to fail.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { toneVoice, type Voice } from '../../../fixtures/speech.ts';
import { decodeTones } from '../../../fixtures/tones.ts';
import { type SileroFixture, startSilero } from '../../../fixtures/vendors/silero.ts';
import type { TtsPart } from '../../../src/tts/contract.ts';
import { createSilero, silero } from '../../../src/tts/providers/silero.ts';
import { collect, ttsConformance } from '../../conformance/tts.ts';

/** Any word has a sound here: that of its length. */
const soundingVoice: Voice = {
  speak: (text, rateHz) =>
    toneVoice.speak(
      text.replace(/\S+/g, (word) => `w${word.length % 20}`),
      rateHz,
    ),
};
const RATE_HZ = silero.traits.sampleRateHz;

let sounding: SileroFixture;
let vendor: SileroFixture;
beforeAll(async () => {
  sounding = await startSilero({ voice: soundingVoice });
  vendor = await startSilero();
});
afterAll(() => Promise.all([sounding.close(), vendor.close()]));
afterEach(() => vendor.faults.mend());

ttsConformance('silero', () => silero.create({ env: { SILERO_BASE_URL: sounding.url } }), { traits: silero.traits });

const client = (timeoutMs?: number) =>
  createSilero({ baseUrl: `${vendor.url}/`, ...(timeoutMs !== undefined && { timeoutMs }) });

function say(text: string, options: { voice?: string; language?: string; from?: ReturnType<typeof client> } = {}) {
  const { voice = 'en_0', language = 'en-US', from = client() } = options;
  const session = from.open({ voice, language, signal: new AbortController().signal });
  session.write(text);
  session.end();
  return collect(session.parts);
}

function wordsIn(parts: readonly TtsPart[]): number[] {
  const pieces = parts.flatMap((part) => (part.type === 'audio' ? [...part.samples] : []));
  return decodeTones(Int16Array.from(pieces), RATE_HZ).map(({ index }) => index);
}

const bodies = (from: number) => vendor.requests.slice(from).map(({ body }) => JSON.parse(String(body)));

describe('its requests', () => {
  it('are one for a clause, in order, and keep nothing on the server', async () => {
    const before = vendor.requests.length;
    const parts = await say('Hello w1 w2. Then w3 w4 w5. And w6.', { voice: 'en_7' });
    expect(bodies(before)).toEqual([
      { speaker: 'en_7', text: 'Hello w1 w2.', session: null },
      { speaker: 'en_7', text: 'Then w3 w4 w5.', session: null },
      { speaker: 'en_7', text: 'And w6.', session: null },
    ]);
    expect(wordsIn(parts)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('have no markup, and numbers in words where English is spoken', async () => {
    const before = vendor.requests.length;
    await say('**Please** pay $5.');
    await say('**Por favor** w1.', { language: 'es' });
    expect(bodies(before).map(({ text }) => text)).toEqual(['Please pay 5 dollars.', 'Por favor  w1.']);
  });

  it('are not made for what nobody can say', async () => {
    const before = vendor.requests.length;
    expect(await say('👍 … ***')).toEqual([{ type: 'segment-end' }]);
    expect(vendor.requests.length).toBe(before);
  });

  it('come one after another, and the next before anybody took the present clause', async () => {
    const before = vendor.requests.length;
    const session = client().open({ voice: 'en_0', language: 'en', signal: new AbortController().signal });
    session.write('First w1. Second w2. Third w3. ');
    session.end();
    const parts = session.parts[Symbol.asyncIterator]();
    await parts.next();
    await expect.poll(() => vendor.requests.length - before).toBe(3);
    await collect({ [Symbol.asyncIterator]: () => parts });
  });
});

it.each([8_000, 24_000, 44_100])('speaks the same words from a server at %i Hz', async (sampleRateHz) => {
  vendor.faults.fail({ kind: 'wrong-rate', sampleRateHz });
  expect(wordsIn(await say('w1 w2 w3.'))).toEqual([1, 2, 3]);
});

it('speaks through a trickle', async () => {
  vendor.faults.fail({ kind: 'trickle', after: 2, everyMs: 10 });
  expect(wordsIn(await say('w4 w5.'))).toEqual([4, 5]);
});

it('makes a pause between sentences, so far as the voice made none', async () => {
  const lengthMs = async (text: string) =>
    (await say(text)).reduce((sum, part) => sum + (part.type === 'audio' ? part.samples.length : 0), 0) /
    (RATE_HZ / 1000);
  const [one, two] = [await lengthMs('w1 w2.'), await lengthMs('w1 w2. w3 w4.')];
  // A tone ends 60 ms before its word does; the pause is 300 ms.
  expect(two - 2 * one).toBeGreaterThan(220);
  expect(two - 2 * one).toBeLessThan(260);
});

describe('failures', () => {
  it.each<[string, Fault, object]>([
    ['400', { kind: 'status', status: 400 }, { kind: 'invalid-request', status: 400 }],
    ['401', { kind: 'status', status: 401 }, { kind: 'auth', status: 401 }],
    ['402', { kind: 'status', status: 402 }, { kind: 'quota', status: 402 }],
    ['403', { kind: 'status', status: 403 }, { kind: 'forbidden', status: 403 }],
    ['404', { kind: 'status', status: 404 }, { kind: 'invalid-request', status: 404 }],
    ['422', { kind: 'status', status: 422 }, { kind: 'invalid-request', status: 422 }],
    [
      '429 with a time',
      { kind: 'status', status: 429, retryAfterS: 7 },
      { kind: 'rate-limit', status: 429, retryAfterMs: 7000 },
    ],
    ['500', { kind: 'status', status: 500 }, { kind: 'server', status: 500 }],
    ['503', { kind: 'status', status: 503 }, { kind: 'server', status: 503 }],
    ['refuse', { kind: 'refuse' }, { kind: 'unreachable' }],
    ['drop before the body', { kind: 'drop', after: 0 }, { kind: 'unreachable' }],
    ['drop in the body', { kind: 'drop', after: 3 }, { kind: 'unreachable' }],
    ['an early end', { kind: 'end-early', after: 3 }, { kind: 'malformed' }],
    ['a WAV without sound', { kind: 'empty' }, { kind: 'malformed' }],
    ['no WAV', { kind: 'malformed-audio', after: 0 }, { kind: 'malformed' }],
    ['cut JSON', { kind: 'malformed-json', after: 0 }, { kind: 'malformed' }],
    ['a failed generation', { kind: 'error-event', after: 0, message: 'out of memory' }, { kind: 'server' }],
    [
      'a text that it can’t say',
      { kind: 'error-event', after: 0, message: "Model couldn't generate your text, probably it's too long" },
      { kind: 'invalid-request' },
    ],
  ])('%s', async (_name, fault, expected) => {
    vendor.faults.fail(fault);
    const error = await say('My secret word is w1.').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ProviderError', provider: 'silero', ...expected });
    expect(String(error)).not.toMatch(/secret/);
  });

  it('an unknown speaker', async () => {
    await expect(say('w1.', { voice: 'nobody' })).rejects.toMatchObject({ kind: 'invalid-request' });
  });

  it.each<[string, Fault]>([
    ['a black hole', { kind: 'black-hole' }],
    ['silence in the body', { kind: 'stall', after: 1 }],
  ])('%s is bounded', async (_name, fault) => {
    vendor.faults.fail(fault);
    await expect(say('w1.', { from: client(100) })).rejects.toMatchObject({ kind: 'timeout', provider: 'silero' });
  });

  it('in the second clause comes after the first one’s audio', async () => {
    const session = client().open({ voice: 'en_0', language: 'en', signal: new AbortController().signal });
    vendor.faults.fail({ kind: 'slow', delayMs: 1 });
    vendor.faults.fail({ kind: 'status', status: 500 });
    session.write('First w1. Second w2. Third w3. ');
    const heard: TtsPart[] = [];
    const failed = (async () => {
      for await (const part of session.parts) heard.push(part);
    })();
    await expect(failed).rejects.toMatchObject({ kind: 'server' });
    expect(wordsIn(heard)).toEqual([1]);
  });
});

describe('its check', () => {
  const check = () => client().check?.(new AbortController().signal);

  it('lists speakers, and tells an outage', async () => {
    const before = vendor.requests.length;
    await check();
    vendor.faults.fail({ kind: 'status', status: 500 }, Number.POSITIVE_INFINITY);
    await expect(check()).rejects.toMatchObject({ kind: 'server' });
    expect(vendor.requests.slice(before).map(({ path }) => path)).toEqual(['/tts/speakers', '/tts/speakers']);
  });
});
