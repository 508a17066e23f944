// deepgram as a recogniser: conformance, what it asks for, times and finals, and what each failure of the vendor becomes.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import type { Fault } from '../../../fixtures/faults.ts';
import { markThroughout } from '../../../fixtures/tones.ts';
import { type DeepgramFixture, type DeepgramOptions, startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import type { SttOpenOptions, SttPart, SttSession } from '../../../src/stt/contract.ts';
import {
  createDeepgramStt,
  type DeepgramSttOptions,
  deepgramStt,
} from '../../../src/stt/providers/deepgram/deepgram.ts';
import { collectStt, type SttWords, sttConformance } from '../../conformance/stt.ts';

const KEY = 'dg-secret-0123456789';
const RATE_HZ = deepgramStt.traits.sampleRateHz;
const WORDS = [1, 2, 3, 4, 5, 6];
const HEARD = 'w1 w2 w3 w4 w5 w6';

function marked(clip: string, words: readonly number[]): Int16Array {
  const { samples } = loadClip(clip);
  return markThroughout(samples, RATE_HZ, words);
}
const speech = marked('question', WORDS);
const long = marked('long', [...WORDS, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);

const fixtures: DeepgramFixture[] = [];
async function start(options: DeepgramOptions = {}): Promise<DeepgramFixture> {
  const fixture = await startDeepgram({ apiKey: KEY, ...options });
  fixtures.push(fixture);
  return fixture;
}
afterEach(async () => {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.close()));
});

const shared = await startDeepgram({ apiKey: KEY });
afterAll(() => shared.close());
sttConformance(
  'deepgram',
  () => deepgramStt.create({ env: { DEEPGRAM_API_KEY: KEY, DEEPGRAM_BASE_URL: shared.url } }),
  { traits: deepgramStt.traits, speech, heard: new RegExp(`^${HEARD}$`) },
);

const clientOf = ({ url }: { readonly url: string }, options: Partial<DeepgramSttOptions> = {}) =>
  createDeepgramStt({ apiKey: KEY, baseUrl: url, ...options });

const openAt = (fixture: DeepgramFixture, options: Partial<SttOpenOptions & DeepgramSttOptions> = {}): SttSession =>
  clientOf(fixture, options).open({ language: 'en-US', signal: new AbortController().signal, ...options });

function say(session: SttSession, samples = speech): void {
  for (let at = 0; at < samples.length; at += 320) session.write(samples.subarray(at, at + 320));
  session.write(new Int16Array(RATE_HZ));
}

const finals = (parts: readonly SttPart[]) =>
  parts.flatMap((part) => (part.type === 'final' ? [part as SttWords] : []));

/** What came until the session failed, and the failure. */
async function failing(session: SttSession): Promise<{ readonly parts: SttPart[]; readonly error: ProviderError }> {
  const parts: SttPart[] = [];
  try {
    for await (const part of session.parts) parts.push(part);
  } catch (error) {
    expect(error).toBeInstanceOf(ProviderError);
    return { parts, error: error as ProviderError };
  }
  throw new Error('the session did not fail');
}

describe('what deepgram is asked for', () => {
  it('is PCM16 with interims, in the language, with phrases as the model takes them', async () => {
    const fixture = await start();
    for (const model of [undefined, 'nova-2-general']) {
      const session = openAt(fixture, { model, language: 'es', keyPhrases: ['Acme Ltd', 'rosetta'] });
      say(session);
      session.end();
      expect(finals(await collectStt(session.parts)).map(({ text }) => text)).toEqual([HEARD]);
    }
    const [first, second] = fixture.requests.map(({ query }) => query);
    expect(first?.get('model')).toBe('nova-3');
    expect(first?.get('language')).toBe('es');
    expect(first?.get('encoding')).toBe('linear16');
    expect(first?.get('sample_rate')).toBe(String(RATE_HZ));
    expect(first?.get('interim_results')).toBe('true');
    expect(first?.getAll('keyterm')).toEqual(['Acme Ltd', 'rosetta']);
    expect(second?.getAll('keywords')).toEqual(['Acme', 'Ltd', 'rosetta']);
    expect(second?.has('keyterm')).toBe(false);
  });

  it('takes a base URL with a slash, and one of a websocket', async () => {
    const fixture = await start();
    for (const url of [`${fixture.url}/`, fixture.url.replace('http', 'ws')]) {
      const session = openAt({ ...fixture, url });
      say(session);
      session.end();
      expect(finals(await collectStt(session.parts))).toHaveLength(1);
    }
  });

  it('is nothing that costs when it is warmed or checked', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    await client.warm?.();
    await client.check?.(new AbortController().signal);
    expect(fixture.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/projects']);
  });
});

describe('a session', () => {
  it('tells when its socket stands, once, before any part', async () => {
    const fixture = await start();
    const seen: string[] = [];
    const session = openAt(fixture, { onOpen: () => seen.push('open') });
    say(session);
    session.end();
    for await (const part of session.parts) seen.push(part.type);
    expect(seen.filter((what) => what === 'open')).toHaveLength(1);
    expect(seen[0]).toBe('open');
  });

  it('gives each final of a long turn, with the words once and in order', async () => {
    const session = openAt(await start());
    say(session, long);
    session.end();
    const parts = await collectStt(session.parts);
    expect(finals(parts).length).toBeGreaterThan(1);
    const words = finals(parts).flatMap((part) => part.words);
    expect(words.map(({ text }) => text)).toEqual(Array.from({ length: 19 }, (_, index) => `w${index + 1}`));
    for (const [position, word] of words.entries()) {
      expect(word.startMs).toBeGreaterThanOrEqual(words[position - 1]?.endMs ?? 0);
    }
    expect(parts.filter(({ type }) => type === 'speech-start')).toHaveLength(1);
    expect(parts.at(-1)?.type).toBe('speech-end');
  });

  it('stays open while no audio comes, and counts times from its own first sample', async () => {
    const fixture = await start({ audioTimeoutMs: 500 });
    let opened = () => {};
    const open = new Promise<void>((resolve) => {
      opened = resolve;
    });
    const session = openAt(fixture, { keepAliveMs: 20, onOpen: opened });
    await open;
    // Longer than the server waits for audio.
    await new Promise((resolve) => setTimeout(resolve, 700));
    say(session);
    await new Promise((resolve) => setTimeout(resolve, 700));
    session.end();
    const [final] = finals(await collectStt(session.parts));
    expect(final?.text).toBe(HEARD);
    expect(final?.startMs).toBeGreaterThan(60);
    expect(final?.startMs).toBeLessThan(115);
  });

  it('keeps the last 60 s while it connects, and times as if it had kept all', async () => {
    const session = openAt(await start());
    say(session, marked('question', [9, 10, 9, 10, 9, 10]));
    for (let second = 0; second < 60; second++) session.write(new Int16Array(RATE_HZ));
    const beforeMs = ((speech.length + 61 * RATE_HZ) * 1000) / RATE_HZ;
    say(session);
    session.end();
    const heard = finals(await collectStt(session.parts));
    expect(heard.map(({ text }) => text)).toEqual([HEARD]);
    expect(heard[0]?.startMs).toBeGreaterThan(beforeMs + 60);
    expect(heard[0]?.startMs).toBeLessThan(beforeMs + 140);
  });

  it('fails where the server got no audio in time', async () => {
    const session = openAt(await start({ audioTimeoutMs: 30 }), { keepAliveMs: 60_000 });
    const { error } = await failing(session);
    expect(error).toMatchObject({ kind: 'server', status: 1011 });
    expect(error.message).toContain('NET-0001');
  });

  it('leaves no connection behind', async () => {
    const fixture = await start();
    const session = openAt(fixture);
    say(session);
    session.end();
    await collectStt(session.parts);
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
  ['429', { kind: 'status', status: 429 }, { kind: 'rate-limit', status: 429 }],
  ['429 with Retry-After', { kind: 'status', status: 429, retryAfterS: 7 }, { kind: 'rate-limit', retryAfterMs: 7000 }],
  ['500', { kind: 'status', status: 500 }, { kind: 'server', status: 500 }],
  ['503 with Retry-After', { kind: 'status', status: 503, retryAfterS: 2 }, { kind: 'server', retryAfterMs: 2000 }],
  ['529', { kind: 'status', status: 529 }, { kind: 'server', status: 529 }],
  ['a reset', { kind: 'refuse' }, { kind: 'unreachable' }],
];

const STREAMS: [string, Fault, Partial<ProviderError>][] = [
  ['a connection that breaks', drop(1006), { kind: 'unreachable', status: 1006 }],
  ['close 1000', drop(1000), { kind: 'unreachable', status: 1000 }],
  ['close 1008', drop(1008), { kind: 'forbidden', status: 1008 }],
  ['close 1008 with words about the key', drop(1008, 'Invalid credentials.'), { kind: 'auth', status: 1008 }],
  ['close 1008 for the audio', drop(1008, 'DATA-0000'), { kind: 'invalid-request', status: 1008 }],
  ['close 1011', drop(1011, 'NET-0000'), { kind: 'server', status: 1011 }],
  ['close 1012', drop(1012), { kind: 'server', status: 1012 }],
  ['an early end', { kind: 'end-early', after: 0 }, { kind: 'unreachable' }],
  ['a success with nothing in it', { kind: 'empty' }, { kind: 'malformed' }],
  ['broken JSON', { kind: 'malformed-json', after: 0 }, { kind: 'malformed' }],
  ['an error told on the socket', says(500), { kind: 'server' }],
  ['a limit told on the socket', says(429), { kind: 'rate-limit' }],
  ['missing credits told on the socket', says(402), { kind: 'quota' }],
  ['missing permissions told on the socket', says(403), { kind: 'forbidden' }],
  ['a key refused after the handshake', { kind: 'late-auth' }, { kind: 'auth' }],
];

describe('what deepgram’s failures become', () => {
  it.each([...HANDSHAKES, ...STREAMS])('%s, before the first result', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail(fault);
    const session = openAt(fixture);
    say(session);
    const { parts, error } = await failing(session);
    expect(error).toMatchObject({ provider: 'deepgram', ...expected });
    expect(error.message).not.toContain(KEY);
    expect(parts.filter(({ type }) => type !== 'speech-start')).toEqual([]);
    // No retry of its own.
    expect(fixture.requests).toHaveLength(1);
  });

  it.each(STREAMS.filter(([, fault]) => 'after' in fault))('%s, in mid-stream', async (_name, fault, expected) => {
    const fixture = await start({ interimEveryMs: 200 });
    fixture.faults.fail({ ...fault, after: 3 } as Fault);
    const session = openAt(fixture);
    say(session);
    const { parts, error } = await failing(session);
    expect(error).toMatchObject(expected);
    expect(parts.filter(({ type }) => type === 'interim' || type === 'final')).toHaveLength(3);
    expect(fixture.requests).toHaveLength(1);
  });

  it.each(STREAMS)('%s, at once on a session under way', async (_name, fault, expected) => {
    const fixture = await start();
    const session = openAt(fixture);
    session.write(speech);
    const parts = session.parts[Symbol.asyncIterator]();
    await parts.next();
    fixture.faults.breakNow(fault);
    const { error } = await failing({ ...session, parts: { [Symbol.asyncIterator]: () => parts } });
    expect(error).toMatchObject(expected);
    expect(error.message).not.toContain(KEY);
  });

  it('an end before all was heard, though the caller had ended', async () => {
    const fixture = await start({ interimEveryMs: 200 });
    fixture.faults.fail({ kind: 'end-early', after: 2 });
    const session = openAt(fixture);
    say(session, long);
    session.end();
    expect((await failing(session)).error).toMatchObject({ kind: 'unreachable' });
  });

  it('a wrong key, of a session and of a check', async () => {
    const fixture = await start();
    const apiKey = 'dg-wrong-9876543210';
    const { error } = await failing(openAt(fixture, { apiKey }));
    expect(error).toMatchObject({ kind: 'auth', status: 401 });
    const checked = clientOf(fixture, { apiKey }).check?.(new AbortController().signal);
    const failed = await checked?.catch((caught: unknown) => caught as ProviderError);
    expect(failed).toMatchObject({ kind: 'auth', status: 401 });
    for (const { message } of [error, failed as ProviderError]) expect(message).not.toContain(apiKey);
  });

  it.each(HANDSHAKES)('%s, of a check during an outage', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail(fault, Number.POSITIVE_INFINITY);
    await expect(clientOf(fixture).check?.(new AbortController().signal)).rejects.toMatchObject(expected);
    expect(fixture.requests).toHaveLength(1);
  });

  it('nobody at the address', async () => {
    const fixture = await start();
    await fixture.close();
    const session = openAt(fixture);
    say(session);
    expect((await failing(session)).error).toMatchObject({ kind: 'unreachable' });
    const checked = clientOf(fixture).check?.(new AbortController().signal);
    await expect(checked).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it('an address that is none', async () => {
    const session = openAt({ ...(await start()), url: 'nowhere at all' });
    expect((await failing(session)).error).toMatchObject({ kind: 'invalid-request' });
  });

  it.each<[string, Fault]>([
    ['no answer to the handshake', { kind: 'black-hole' }],
    ['silence in mid-stream', { kind: 'stall', after: 1 }],
  ])('nothing of its own: %s is the chain’s to see, and cancelling ends it', async (_name, fault) => {
    const fixture = await start();
    fixture.faults.fail(fault);
    const abort = new AbortController();
    const session = openAt(fixture, { signal: abort.signal });
    const parts = collectStt(session.parts);
    say(session);
    session.end();
    await expect.poll(() => fixture.requests.length).toBe(1);
    abort.abort();
    expect(finals(await parts)).toEqual([]);
    expect(fixture.requests).toHaveLength(1);
  });

  it('nothing, where results are only late', async () => {
    const fixture = await start();
    for (const fault of [
      { kind: 'slow', delayMs: 100 } as const,
      { kind: 'trickle', after: 1, everyMs: 20 } as const,
    ]) {
      fixture.faults.fail(fault);
      const session = openAt(fixture);
      say(session);
      session.end();
      expect(finals(await collectStt(session.parts)).map(({ text }) => text)).toEqual([HEARD]);
    }
  });
});
