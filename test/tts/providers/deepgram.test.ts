// deepgram as a voice: conformance, flushes, sockets kept between replies, and what each failure of the vendor becomes.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { toneVoice, type Voice } from '../../../fixtures/speech.ts';
import { decodeTones } from '../../../fixtures/tones.ts';
import { type DeepgramFixture, type DeepgramOptions, startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import type { TtsClient, TtsOpenOptions, TtsPart, TtsSession } from '../../../src/tts/contract.ts';
import { createDeepgramTts, deepgramTts } from '../../../src/tts/providers/deepgram/deepgram.ts';
import { collect, ttsConformance } from '../../conformance/tts.ts';

const KEY = 'dg-secret-0123456789';
const RATE_HZ = deepgramTts.traits.sampleRateHz;
const VOICE = 'aura-2-thalia-en';
const TEXT = 'w1 w2 w3 w4 w5 w6.';

/** Any word is heard: as the tone of its place. */
const anyWord: Voice = {
  speak: (text, sampleRateHz) =>
    toneVoice.speak((text.match(/\S+/g) ?? []).map((_, position) => `w${position % 20}`).join(' '), sampleRateHz),
};

const fixtures: DeepgramFixture[] = [];
const clients: TtsClient[] = [];
async function start(options: DeepgramOptions = {}): Promise<DeepgramFixture> {
  const fixture = await startDeepgram({ apiKey: KEY, ...options });
  fixtures.push(fixture);
  return fixture;
}
function clientOf({ url }: { readonly url: string }, apiKey = KEY): TtsClient {
  const client = createDeepgramTts({ apiKey, baseUrl: url });
  clients.push(client);
  return client;
}
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.close()));
});

const shared = await startDeepgram({ apiKey: KEY, voice: anyWord });
afterAll(() => shared.close());
ttsConformance(
  'deepgram',
  () => deepgramTts.create({ env: { DEEPGRAM_API_KEY: KEY, DEEPGRAM_BASE_URL: shared.url } }),
  { traits: deepgramTts.traits },
);

const openAt = (client: TtsClient, options: Partial<TtsOpenOptions> = {}): TtsSession =>
  client.open({ voice: VOICE, language: 'en-US', signal: new AbortController().signal, ...options });

function say(session: TtsSession, text = TEXT): TtsSession {
  session.write(text);
  session.end();
  return session;
}

const samplesIn = (parts: readonly TtsPart[]) =>
  Int16Array.from(parts.flatMap((part) => (part.type === 'audio' ? [...part.samples] : [])));
const wordsIn = (parts: readonly TtsPart[]) => decodeTones(samplesIn(parts), RATE_HZ).map(({ index }) => index);
const handshakes = (fixture: DeepgramFixture) => fixture.requests.filter(({ method }) => method === 'WS');

/** What came until the reply failed, and the failure. */
async function failing(session: TtsSession): Promise<{ readonly parts: TtsPart[]; readonly error: ProviderError }> {
  const parts: TtsPart[] = [];
  try {
    for await (const part of session.parts) parts.push(part);
  } catch (error) {
    expect(error).toBeInstanceOf(ProviderError);
    return { parts, error: error as ProviderError };
  }
  throw new Error('the reply did not fail');
}

describe('what deepgram is asked for', () => {
  it('is PCM16 at the traits’ rate in the voice that was named', async () => {
    const fixture = await start();
    expect(wordsIn(await collect(say(openAt(clientOf(fixture), { voice: 'aura-2-celeste-es' })).parts))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    const query = fixture.requests[0]?.query;
    expect(query?.get('model')).toBe('aura-2-celeste-es');
    expect(query?.get('encoding')).toBe('linear16');
    expect(query?.get('sample_rate')).toBe(String(RATE_HZ));
  });

  it('is nothing that costs when it is warmed or checked', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    await client.warm?.();
    await client.check?.(new AbortController().signal);
    expect(fixture.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/projects']);
  });

  it('has a voice for each language that it speaks', () => {
    for (const language of ['en-US', 'en-GB', 'es', 'fr']) {
      expect(deepgramTts.traits.defaultVoices[language]).toMatch(/^aura-/);
    }
  });

  it('is to flush far less often than it allows, and every word of a long reply is spoken once', async () => {
    const texts: string[] = [];
    const voice: Voice = {
      speak: (text, rateHz) => {
        texts.push(text);
        return toneVoice.speak(text, rateHz);
      },
    };
    const sentences = Array.from({ length: 60 }, (_, index) => `w${index % 20} and w${(index + 7) % 20} were said.`);
    const session = openAt(clientOf(await start({ voice })));
    for (const piece of sentences.join(' ').match(/.{1,5}/gs) ?? []) session.write(piece);
    session.end();
    await collect(session.parts);
    expect(texts[0]?.trim()).toBe(sentences[0]);
    expect(texts.length).toBeLessThan(8);
    expect(texts.join(' ').replace(/\s+/g, ' ').trim()).toBe(sentences.join(' '));
  });
});

describe('sockets', () => {
  it('are told as open once for each reply, new or kept', async () => {
    const client = clientOf(await start());
    const seen: string[] = [];
    for (const reply of ['first', 'second']) {
      const session = say(openAt(client, { onOpen: () => seen.push(reply) }));
      for await (const part of session.parts) seen.push(part.type);
    }
    expect(seen.filter((what) => what !== 'audio')).toEqual(['first', 'segment-end', 'second', 'segment-end']);
  });

  it('are kept between replies of a voice, and apart for two voices and two replies at once', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    for (let reply = 0; reply < 3; reply++) await collect(say(openAt(client)).parts);
    expect(handshakes(fixture)).toHaveLength(1);
    await Promise.all([collect(say(openAt(client)).parts), collect(say(openAt(client)).parts)]);
    expect(handshakes(fixture)).toHaveLength(2);
    await collect(say(openAt(client, { voice: 'aura-2-agathe-fr' })).parts);
    expect(handshakes(fixture)).toHaveLength(3);
  });

  it('are kept after a reply that was cancelled in mid-speech, of which nothing more is heard', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    const abort = new AbortController();
    const cancelled = say(openAt(client, { signal: abort.signal }), `${TEXT} ${TEXT} ${TEXT}`);
    const parts = cancelled.parts[Symbol.asyncIterator]();
    await parts.next();
    abort.abort();
    expect((await parts.next()).done).toBe(true);
    expect(wordsIn(await collect(say(openAt(client), 'w9 w8.').parts))).toEqual([9, 8]);
    expect(wordsIn(await collect(say(openAt(client), 'w7 w6.').parts))).toEqual([7, 6]);
    expect(handshakes(fixture).length).toBeLessThanOrEqual(2);
  });

  it('that broke while nobody used them are replaced without a word', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    await collect(say(openAt(client)).parts);
    fixture.faults.breakNow({ kind: 'drop', after: 0, code: 1011, reason: 'NET-0001' });
    await expect.poll(() => fixture.connections()).toBe(0);
    expect(wordsIn(await collect(say(openAt(client)).parts))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('that broke while a reply waited for its next text too', async () => {
    const fixture = await start();
    const session = openAt(clientOf(fixture));
    const parts = session.parts[Symbol.asyncIterator]();
    session.write('w1 w2.');
    session.flush();
    const heard: TtsPart[] = [];
    while (heard.at(-1)?.type !== 'segment-end') heard.push((await parts.next()).value);
    fixture.faults.breakNow({ kind: 'drop', after: 0, code: 1006 });
    await expect.poll(() => fixture.connections()).toBe(0);
    say(session, 'w3 w4.');
    heard.push(...(await collect({ [Symbol.asyncIterator]: () => parts })));
    expect(wordsIn(heard)).toEqual([1, 2, 3, 4]);
  });

  it('are given up before the vendor’s limit of flushes', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    for (let reply = 0; reply < 25; reply++) await collect(say(openAt(client), 'w1.').parts);
    expect(handshakes(fixture)).toHaveLength(3);
  });

  it('whose limit of flushes is reached within a reply say so', async () => {
    const session = openAt(clientOf(await start()));
    for (let segment = 0; segment < 25; segment++) {
      session.write('w1.');
      session.flush();
    }
    expect((await failing(session)).error).toMatchObject({ kind: 'rate-limit', retryAfterMs: 60_000 });
  });

  it('are gone once the client is closed', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    await collect(say(openAt(client)).parts);
    await client.close();
    await expect.poll(() => fixture.connections()).toBe(0);
  });
});

const drop = (code: number, reason?: string): Fault => ({ kind: 'drop', after: 0, code, ...(reason && { reason }) });
const says = (status: number): Fault => ({ kind: 'error-event', after: 0, status });

const HANDSHAKES: [string, Fault, Partial<ProviderError>][] = [
  ['400', { kind: 'status', status: 400 }, { kind: 'invalid-request', status: 400 }],
  ['401', { kind: 'status', status: 401 }, { kind: 'auth', status: 401 }],
  ['402', { kind: 'status', status: 402 }, { kind: 'quota', status: 402 }],
  ['403', { kind: 'status', status: 403 }, { kind: 'forbidden', status: 403 }],
  ['404', { kind: 'status', status: 404 }, { kind: 'invalid-request', status: 404 }],
  ['422', { kind: 'status', status: 422 }, { kind: 'invalid-request', status: 422 }],
  ['429', { kind: 'status', status: 429 }, { kind: 'rate-limit', status: 429 }],
  ['429 with Retry-After', { kind: 'status', status: 429, retryAfterS: 7 }, { kind: 'rate-limit', retryAfterMs: 7000 }],
  ['500', { kind: 'status', status: 500 }, { kind: 'server', status: 500 }],
  ['503', { kind: 'status', status: 503 }, { kind: 'server', status: 503 }],
  ['529', { kind: 'status', status: 529 }, { kind: 'server', status: 529 }],
  ['a reset', { kind: 'refuse' }, { kind: 'unreachable' }],
];

const STREAMS: [string, Fault, Partial<ProviderError>][] = [
  ['a connection that breaks', drop(1006), { kind: 'unreachable', status: 1006 }],
  ['close 1000', drop(1000), { kind: 'unreachable', status: 1000 }],
  ['close 1008', drop(1008), { kind: 'forbidden', status: 1008 }],
  ['close 1008 with words about the key', drop(1008, 'Invalid credentials.'), { kind: 'auth', status: 1008 }],
  ['close 1008 for the text', drop(1008, 'DATA-0001'), { kind: 'invalid-request', status: 1008 }],
  ['close 1011', drop(1011, 'NET-0000'), { kind: 'server', status: 1011 }],
  ['close 1012', drop(1012), { kind: 'server', status: 1012 }],
  ['an early end', { kind: 'end-early', after: 0 }, { kind: 'unreachable' }],
  ['broken JSON', { kind: 'malformed-json', after: 0 }, { kind: 'malformed' }],
  ['half a sample', { kind: 'malformed-audio', after: 0 }, { kind: 'malformed' }],
  ['an error told on the socket', says(500), { kind: 'server' }],
  ['a limit told on the socket', says(429), { kind: 'rate-limit' }],
  ['missing credits told on the socket', says(402), { kind: 'quota' }],
  ['missing permissions told on the socket', says(403), { kind: 'forbidden' }],
];
const LATE_AUTH: (typeof STREAMS)[number] = [
  'a key refused after the handshake',
  { kind: 'late-auth' },
  { kind: 'auth' },
];
const EMPTY: (typeof STREAMS)[number] = ['a success with nothing in it', { kind: 'empty' }, { kind: 'malformed' }];

describe('what deepgram’s failures become', () => {
  it.each([...HANDSHAKES, ...STREAMS, LATE_AUTH, EMPTY])(
    '%s, before the first audio',
    async (_name, fault, expected) => {
      const fixture = await start();
      fixture.faults.fail(fault);
      const { parts, error } = await failing(say(openAt(clientOf(fixture))));
      expect(error).toMatchObject({ provider: 'deepgram', ...expected });
      expect(error.message).not.toContain(KEY);
      expect(parts).toEqual([]);
      // No retry of its own.
      expect(fixture.requests).toHaveLength(1);
    },
  );

  it.each(STREAMS)('%s, in mid-speech', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail({ ...fault, after: 7 } as Fault);
    const { parts, error } = await failing(say(openAt(clientOf(fixture))));
    expect(error).toMatchObject(expected);
    expect(error.message).not.toContain(KEY);
    // 700 ms: two words, and the third cut.
    expect(samplesIn(parts)).toHaveLength((RATE_HZ * 7) / 10);
    expect(wordsIn(parts).slice(0, 2)).toEqual([1, 2]);
    expect(fixture.requests).toHaveLength(1);
  });

  it.each([...STREAMS, LATE_AUTH])('%s, at once in a reply under way', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail({ kind: 'trickle', after: 2, everyMs: 60_000 });
    const session = say(openAt(clientOf(fixture)));
    const parts = session.parts[Symbol.asyncIterator]();
    await parts.next();
    fixture.faults.breakNow(fault);
    const { error } = await failing({ ...session, parts: { [Symbol.asyncIterator]: () => parts } });
    expect(error).toMatchObject(expected);
  });

  it.each([...HANDSHAKES, ...STREAMS, EMPTY])(
    '%s, of a later reply on a socket that was kept',
    async (_name, fault, { kind }) => {
      const fixture = await start();
      const client = clientOf(fixture);
      await collect(say(openAt(client)).parts);
      fixture.faults.fail(fault);
      const { error } = await failing(say(openAt(client)));
      // An open socket has no statuses: the words tell.
      expect(error.kind).toBe(kind);
      expect(handshakes(fixture)).toHaveLength(1);
      expect(wordsIn(await collect(say(openAt(client)).parts))).toEqual([1, 2, 3, 4, 5, 6]);
    },
  );

  it('a wrong key, of a reply and of a check', async () => {
    const client = clientOf(await start(), 'dg-wrong-9876543210');
    const { error } = await failing(say(openAt(client)));
    const failed = await client.check?.(new AbortController().signal).catch((caught: unknown) => caught);
    for (const found of [error, failed as ProviderError]) {
      expect(found).toMatchObject({ kind: 'auth', status: 401 });
      expect(found.message).not.toContain('dg-wrong-9876543210');
    }
  });

  it.each(HANDSHAKES)('%s, of a check during an outage', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail(fault, Number.POSITIVE_INFINITY);
    await expect(clientOf(fixture).check?.(new AbortController().signal)).rejects.toMatchObject(expected);
    expect(fixture.requests).toHaveLength(1);
  });

  it('nobody at the address, and an address that is none', async () => {
    const fixture = await start();
    await fixture.close();
    expect((await failing(say(openAt(clientOf(fixture))))).error).toMatchObject({ kind: 'unreachable' });
    const { error } = await failing(say(openAt(clientOf({ url: 'nowhere at all' }))));
    expect(error).toMatchObject({ kind: 'invalid-request' });
  });

  it.each<[string, Fault]>([
    ['no answer to the handshake', { kind: 'black-hole' }],
    ['silence in mid-speech', { kind: 'stall', after: 2 }],
  ])('nothing of its own: %s is the chain’s to see, and cancelling ends it', async (_name, fault) => {
    const fixture = await start();
    fixture.faults.fail(fault);
    const abort = new AbortController();
    const parts = collect(say(openAt(clientOf(fixture), { signal: abort.signal })).parts);
    await expect.poll(() => fixture.requests.length).toBe(1);
    abort.abort();
    expect((await parts).some(({ type }) => type === 'segment-end')).toBe(false);
  });

  it('nothing, where audio is only late', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    for (const fault of [{ kind: 'slow', delayMs: 100 } as const, { kind: 'trickle', after: 1, everyMs: 5 } as const]) {
      fixture.faults.fail(fault);
      expect(wordsIn(await collect(say(openAt(client)).parts))).toEqual([1, 2, 3, 4, 5, 6]);
    }
  });
});
