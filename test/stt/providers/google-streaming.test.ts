// google by a service account: the common suite over gRPC, what it asks, its streams one after another, and its failures.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../fixtures/faults.ts';
import { newServiceAccount } from '../../../fixtures/vendors/google-account.ts';
import {
  type GoogleStreamFixture,
  type GoogleStreamOptions,
  startGoogleStream,
} from '../../../fixtures/vendors/google-stream.ts';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import type { SttClient, SttOpenOptions, SttPart, SttSession } from '../../../src/stt/contract.ts';
import { googleStreaming } from '../../../src/stt/providers/google/google.ts';
import { createGoogleStreaming, type GoogleStreamingOptions } from '../../../src/stt/providers/google/streaming.ts';
import { collectStt, type SttWords, sttConformance } from '../../conformance/stt.ts';
import { finalsOf, MARKED_RATE_HZ, markedSpeech, say } from '../support/marked-speech.ts';

const account = newServiceAccount();
const folder = mkdtempSync(join(tmpdir(), 'bulletproof-google-'));
afterAll(() => rmSync(folder, { recursive: true }));
function keyFile(name: string, content: object | string): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const credentialsFile = keyFile('account.json', account);
const speech = markedSpeech([1, 2, 3, 4, 5, 6], 'question');
const HEARD = 'w1 w2 w3 w4 w5 w6';

const shared = await startGoogleStream({ account });
afterAll(() => shared.close());
sttConformance(
  'google by a service account',
  () =>
    googleStreaming.create({
      env: { GOOGLE_APPLICATION_CREDENTIALS: credentialsFile, GOOGLE_SPEECH_BASE_URL: shared.url },
    }),
  { traits: googleStreaming.traits, speech, heard: new RegExp(`^${HEARD}$`) },
);

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function start(options: GoogleStreamOptions = {}): Promise<GoogleStreamFixture> {
  const fixture = await startGoogleStream({ account, ...options });
  opened.push(fixture);
  return fixture;
}

function clientOf({ url }: { readonly url: string }, options: Partial<GoogleStreamingOptions> = {}): SttClient {
  const client = createGoogleStreaming({ credentialsFile, baseUrl: url, ...options });
  opened.push(client);
  return client;
}

const openAt = (client: SttClient, options: Partial<SttOpenOptions> = {}): SttSession =>
  client.open({ language: 'en-US', signal: new AbortController().signal, ...options });

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

const wordsOf = (parts: readonly SttPart[]) =>
  parts.flatMap((part) => (part.type === 'final' ? (part as SttWords).words : []));

describe('its request', () => {
  it('names the model, the audio, the region and the words that are likely', async () => {
    const fixture = await start();
    const session = openAt(clientOf(fixture, { model: 'telephony' }), { language: 'es', keyPhrases: ['Zorbly'] });
    session.expect?.({ kind: 'phrases', phrases: ['sí'] });
    say(session, speech);
    session.end();
    await collectStt(session.parts);
    expect(JSON.parse(String(fixture.requests[0]?.body))).toMatchObject({
      interimResults: true,
      config: {
        encoding: 'LINEAR16',
        sampleRateHertz: 16_000,
        languageCode: 'es-ES',
        model: 'telephony',
        enableWordTimeOffsets: true,
        speechContexts: [{ phrases: ['sí', 'Zorbly'] }],
      },
    });
  });

  it('is nothing that costs when it is warmed or checked', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    await client.warm?.();
    await client.check?.(new AbortController().signal);
    expect(fixture.requests.map(({ path }) => path)).toEqual(['/google.longrunning.Operations/ListOperations']);
  });
});

describe('its streams', () => {
  it('tell once that the connection stands, before any part', async () => {
    const seen: string[] = [];
    const session = openAt(clientOf(await start()), { onOpen: () => seen.push('open') });
    await expect.poll(() => seen).toEqual(['open']);
    say(session, speech);
    session.end();
    for await (const part of session.parts) seen.push(part.type);
    expect(seen.filter((what) => what === 'open')).toHaveLength(1);
  });

  it('follow each other at pauses before one is too old, with no word lost, none twice and times that go on', async () => {
    const fixture = await start({ maxStreamMs: 10_000 });
    const session = openAt(clientOf(fixture, { limits: { atPauseMs: 5_000, atLatestMs: 9_500 } }));
    const turns = Array.from({ length: 10 }, (_, turn) => [turn * 2, turn * 2 + 1]);
    for (const words of turns) say(session, markedSpeech(words, 'question'));
    session.end();
    const words = wordsOf(await collectStt(session.parts));
    expect(words.map(({ text }) => text)).toEqual(turns.flat().map((word) => `w${word}`));
    const turnMs = (markedSpeech([0, 1], 'question').length * 1000) / MARKED_RATE_HZ + 500;
    for (const [place, { startMs }] of words.entries()) {
      const fromMs = Math.floor(place / 2) * turnMs;
      expect(startMs).toBeGreaterThanOrEqual(Math.max(fromMs, words[place - 1]?.endMs ?? 0));
      expect(startMs).toBeLessThan(fromMs + turnMs);
    }
    expect(fixture.requests.length).toBeGreaterThan(2);
  });

  it('end in mid-speech where there is no pause', async () => {
    const fixture = await start({ maxStreamMs: 3_000 });
    const session = openAt(clientOf(fixture, { limits: { atPauseMs: 2_000, atLatestMs: 2_500 } }));
    const noise = Int16Array.from({ length: MARKED_RATE_HZ * 8 }, (_, at) => (at % 2 === 0 ? 9_000 : -9_000));
    for (let at = 0; at < noise.length; at += 320) session.write(noise.subarray(at, at + 320));
    session.end();
    expect(finalsOf(await collectStt(session.parts))).toEqual([]);
    expect(fixture.requests).toHaveLength(4);
  });

  it('leave none open while no audio comes, and count times over the gap', async () => {
    const fixture = await start({ audioTimeoutMs: 2_000 });
    const session = openAt(clientOf(fixture, { limits: { idleMs: 50 } }));
    say(session, speech);
    await expect.poll(() => fixture.requests.length).toBe(1);
    await expect.poll(() => fixture.streams()).toBe(0);
    say(session, speech);
    session.end();
    const words = wordsOf(await collectStt(session.parts));
    expect(words.map(({ text }) => text).join(' ')).toBe(`${HEARD} ${HEARD}`);
    expect(words[6]?.startMs).toBeGreaterThan((speech.length * 1000) / MARKED_RATE_HZ + 500);
  });

  it('leave nothing under way when they end, are cancelled or the client is closed', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    const abort = new AbortController();
    const [one, two] = [openAt(client), openAt(client, { signal: abort.signal })];
    for (const session of [one, two]) say(session, speech);
    one.end();
    await collectStt(one.parts);
    await expect.poll(() => fixture.streams()).toBe(1);
    abort.abort();
    await expect.poll(() => fixture.streams()).toBe(0);
    await client.close();
    await expect.poll(() => fixture.connections()).toBe(0);
  });

  it('go on elsewhere when the server goes away', async () => {
    const fixture = await start();
    const session = openAt(clientOf(fixture));
    say(session, speech);
    await expect.poll(() => fixture.streams()).toBe(1);
    fixture.goAway(5_000);
    session.flush();
    say(session, speech);
    session.end();
    expect(finalsOf(await collectStt(session.parts))).toEqual([HEARD, HEARD]);
  });

  it('fail where the server ends them as it goes away', async () => {
    const fixture = await start();
    const session = openAt(clientOf(fixture));
    say(session, speech);
    await expect.poll(() => fixture.streams()).toBe(1);
    fixture.goAway(0);
    expect((await failing(session)).error).toMatchObject({ provider: 'google' });
  });
});

const says = (status: number, code?: string): Fault => ({
  kind: 'error-event',
  after: 0,
  status,
  ...(code && { code }),
});

const STATUSES: [string, Fault, Partial<ProviderError>][] = [
  ['INVALID_ARGUMENT', { kind: 'status', status: 400 }, { kind: 'invalid-request', status: 400 }],
  ['UNAUTHENTICATED', { kind: 'status', status: 401 }, { kind: 'auth', status: 401 }],
  ['PERMISSION_DENIED', { kind: 'status', status: 403 }, { kind: 'forbidden', status: 403 }],
  ['no billing', { kind: 'status', status: 403, code: 'BILLING_DISABLED' }, { kind: 'quota', status: 403 }],
  ['RESOURCE_EXHAUSTED', { kind: 'status', status: 429 }, { kind: 'rate-limit', retryAfterMs: undefined }],
  [
    'RESOURCE_EXHAUSTED with a time',
    { kind: 'status', status: 429, retryAfterS: 7 },
    { kind: 'rate-limit', status: 429, retryAfterMs: 7_000 },
  ],
  ['INTERNAL', { kind: 'status', status: 500 }, { kind: 'server', status: 500 }],
  ['UNAVAILABLE', { kind: 'status', status: 503 }, { kind: 'server', status: 503 }],
  ['DEADLINE_EXCEEDED', { kind: 'status', status: 504 }, { kind: 'timeout', status: 504 }],
  ['a reset', { kind: 'refuse' }, { kind: 'unreachable' }],
];

const STREAMS: [string, Fault, Partial<ProviderError>][] = [
  ['a connection that breaks', { kind: 'drop', after: 0 }, { kind: 'unreachable' }],
  ['an early end', { kind: 'end-early', after: 0 }, { kind: 'unreachable' }],
  ['a message that is none', { kind: 'malformed-json', after: 0 }, { kind: 'malformed' }],
  ['OUT_OF_RANGE', says(416), { kind: 'unreachable', status: 400 }],
  ['ABORTED', says(409), { kind: 'unreachable', status: 409 }],
  ['CANCELLED', says(499), { kind: 'unreachable' }],
  ['INTERNAL', says(500), { kind: 'server' }],
  ['UNAVAILABLE', says(503), { kind: 'server' }],
  ['RESOURCE_EXHAUSTED', says(429), { kind: 'rate-limit' }],
  ['no billing', says(403, 'BILLING_DISABLED'), { kind: 'quota' }],
  ['a token refused after the first audio', { kind: 'late-auth' }, { kind: 'auth' }],
];

describe('what its failures become', () => {
  it.each([...STATUSES, ...STREAMS])('%s, before the first result', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail(fault);
    const session = openAt(clientOf(fixture));
    say(session, speech);
    const { parts, error } = await failing(session);
    expect(error).toMatchObject({ provider: 'google', ...expected });
    expect(inspect(error, { depth: 8 })).not.toContain('PRIVATE KEY');
    expect(inspect(error, { depth: 8 })).not.toContain('Bearer');
    expect(parts).toEqual([]);
    // No retry of its own.
    expect(fixture.requests).toHaveLength(1);
  });

  it.each(STREAMS.filter(([, fault]) => 'after' in fault))('%s, in mid-stream', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail({ ...fault, after: 2 } as Fault);
    const session = openAt(clientOf(fixture));
    say(session, speech);
    const { parts, error } = await failing(session);
    expect(error).toMatchObject(expected);
    // The SDK forgets responses that came just before their stream's error.
    expect(parts.filter(({ type }) => type === 'interim' || type === 'final').length).toBeLessThanOrEqual(2);
    expect(fixture.requests).toHaveLength(1);
  });

  it('a stream that the server finds too old, or without audio for too long', async () => {
    const old = await start({ maxStreamMs: 1_000 });
    const session = openAt(clientOf(old));
    say(session, speech);
    expect((await failing(session)).error).toMatchObject({ kind: 'unreachable', status: 400 });
    const idle = openAt(clientOf(await start({ audioTimeoutMs: 50 })));
    say(idle, speech);
    expect((await failing(idle)).error).toMatchObject({ kind: 'unreachable' });
  });

  it('another account, of a session and of a check', async () => {
    const other = keyFile('other.json', newServiceAccount());
    const client = clientOf(await start(), { credentialsFile: other });
    const session = openAt(client);
    say(session, speech);
    expect((await failing(session)).error).toMatchObject({ kind: 'auth', status: 401 });
    await expect(client.check?.(new AbortController().signal)).rejects.toMatchObject({ kind: 'auth', status: 401 });
  });

  it.each<[string, string]>([
    ['a file that is not there', join(folder, 'nowhere.json')],
    ['a file that is no JSON', keyFile('text.json', 'secret words')],
    ['a file of another kind', keyFile('user.json', { type: 'authorized_user', refresh_token: 'secret words' })],
    ['a key that is none', keyFile('broken.json', { ...account, private_key: 'secret words' })],
  ])('%s', async (_name, file) => {
    const client = clientOf(await start(), { credentialsFile: file });
    const session = openAt(client);
    say(session, speech);
    const { error } = await failing(session);
    expect(error).toMatchObject({ kind: 'auth', provider: 'google' });
    expect(inspect(error, { depth: 8 })).not.toContain('secret words');
    await expect(client.check?.(new AbortController().signal)).rejects.toMatchObject({ kind: 'auth' });
  });

  it.each(STATUSES)('%s, of a check during an outage', async (_name, fault, expected) => {
    const fixture = await start();
    fixture.faults.fail(fault, Number.POSITIVE_INFINITY);
    const checked = clientOf(fixture).check?.(new AbortController().signal);
    if (expected.status === 400) await checked;
    else await expect(checked).rejects.toMatchObject({ provider: 'google', ...expected });
    expect(fixture.requests).toHaveLength(1);
  });

  it('nobody at the address, and all is well once somebody is there again', async () => {
    const fixture = await start();
    const port = Number(new URL(fixture.url).port);
    await fixture.close();
    const client = clientOf(fixture);
    const session = openAt(client);
    expect((await failing(session)).error).toMatchObject({ kind: 'unreachable' });
    await expect(client.check?.(new AbortController().signal)).rejects.toMatchObject({ kind: 'unreachable' });
    await start({ port });
    await expect.poll(() => client.warm?.().then(() => 'open'), { timeout: 10_000 }).toBe('open');
    const second = openAt(client);
    say(second, speech);
    second.end();
    expect(finalsOf(await collectStt(second.parts))).toEqual([HEARD]);
  });

  it.each([
    ['an address that is none', 'nowhere at all'],
    ['a token in clear text over the network', 'http://speech.example.com'],
  ])('%s', async (_name, url) => {
    expect((await failing(openAt(clientOf({ url })))).error).toMatchObject({ kind: 'invalid-request' });
  });

  it.each<[string, Fault]>([
    ['no answer at all', { kind: 'black-hole' }],
    ['silence in mid-stream', { kind: 'stall', after: 1 }],
  ])('nothing of its own: %s is the chain’s to see, and cancelling ends it', async (_name, fault) => {
    const fixture = await start();
    fixture.faults.fail(fault);
    const abort = new AbortController();
    const session = openAt(clientOf(fixture), { signal: abort.signal });
    const parts = collectStt(session.parts);
    say(session, speech);
    session.end();
    await expect.poll(() => fixture.streams()).toBe(1);
    abort.abort();
    expect(finalsOf(await parts)).toEqual([]);
    await expect.poll(() => fixture.streams()).toBe(0);
  });

  it('nothing, where results are only late', async () => {
    const fixture = await start();
    const client = clientOf(fixture);
    for (const fault of [
      { kind: 'slow', delayMs: 100 } as const,
      { kind: 'trickle', after: 1, everyMs: 20 } as const,
    ]) {
      fixture.faults.fail(fault);
      const session = openAt(client);
      say(session, speech);
      session.end();
      expect(finalsOf(await collectStt(session.parts))).toEqual([HEARD]);
    }
  });
});
