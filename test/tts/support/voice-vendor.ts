// What the tests of both websocket voices share: listening with a Goertzel decoder, and the table of faults.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault, FaultQueue } from '../../../fixtures/faults.ts';
import { toneVoice, type Voice } from '../../../fixtures/speech.ts';
import { decodeTones } from '../../../fixtures/tones.ts';
import { ProviderError, type ProviderErrorKind } from '../../../src/failover/provider-error.ts';
import type { TtsClient, TtsPart } from '../../../src/tts/contract.ts';

const RATE_HZ = 24_000;

/** Any word has a sound here, and its own text in the times. */
export const soundingVoice: Voice = {
  async speak(text, rateHz) {
    const spoken = text.match(/\S+/g) ?? [];
    const speech = await toneVoice.speak(spoken.map((word) => `w${word.length % 20}`).join(' '), rateHz);
    return { samples: speech.samples, words: speech.words.map((word, at) => ({ ...word, text: spoken[at] ?? '' })) };
  },
};

export interface Heard {
  readonly tones: number[];
  readonly texts: string[];
  readonly startsMs: number[];
  /** Words told after sound that they begin in. */
  readonly late: number;
  readonly ends: number;
  readonly error: unknown;
}

/** What arrives until the end or the error. */
export async function words(parts: AsyncIterable<TtsPart>): Promise<Heard> {
  const told: Extract<TtsPart, { type: 'word' }>[] = [];
  const pieces: Int16Array[] = [];
  let [samples, ends, late] = [0, 0, 0];
  let error: unknown;
  try {
    for await (const part of parts) {
      if (part.type === 'segment-end') ends += 1;
      else if (part.type === 'audio') {
        pieces.push(part.samples);
        samples += part.samples.length;
      } else {
        told.push(part);
        if (part.startMs < (samples * 1000) / RATE_HZ - 1) late += 1;
      }
    }
  } catch (reason) {
    error = reason;
  }
  const all = new Int16Array(samples);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return {
    tones: decodeTones(all, RATE_HZ).map(({ index }) => index),
    texts: told.map(({ text }) => text),
    startsMs: told.map(({ startMs }) => Math.round(startMs)),
    late,
    ends,
    error,
  };
}

/** Says the texts, each a segment; fails where the reply does. */
export async function listen(
  client: TtsClient,
  text: string,
  { voice = 'v', language = 'en-US' }: { voice?: string; language?: string } = {},
  ...more: string[]
): Promise<Heard> {
  const heard = await tryToListen(client, [text, ...more], { voice, language });
  if (heard.error) throw heard.error;
  return heard;
}

export function tryToListen(
  client: TtsClient,
  texts: readonly string[],
  { voice = 'v', language = 'en-US' }: { voice?: string; language?: string } = {},
): Promise<Heard> {
  const session = client.open({ voice, language, signal: new AbortController().signal });
  const heard = words(session.parts);
  texts.forEach((text, index) => {
    session.write(text);
    if (index < texts.length - 1) session.flush();
  });
  session.end();
  return heard;
}

interface VoiceFixture {
  readonly url: string;
  readonly requests: readonly { readonly method: string }[];
  readonly faults: FaultQueue;
  connections(): number;
  close(): Promise<void>;
}

export interface Failures<Fixture extends VoiceFixture> {
  start(): Promise<Fixture>;
  client(vendor: Fixture, key?: string): TtsClient;
  readonly secret: string;
  readonly failures: readonly (readonly [name: string, kind: ProviderErrorKind, fault: Fault])[];
}

const SENTENCE = 'w1 w2 w3 w4 w5 w6.';
/** What both show alike. */
const COMMON: readonly (readonly [string, ProviderErrorKind, Fault])[] = [
  ['a refused connection', 'unreachable', { kind: 'refuse' }],
  ['a drop before the sound', 'unreachable', { kind: 'drop', after: 0 }],
  ['a drop in mid-reply', 'unreachable', { kind: 'drop', after: 7 }],
  ['a clean close in mid-reply', 'unreachable', { kind: 'drop', after: 7, code: 1000 }],
  ['a close for policy', 'forbidden', { kind: 'drop', after: 3, code: 1008 }],
  ['a close for an internal error', 'server', { kind: 'drop', after: 3, code: 1011 }],
  ['a restart', 'server', { kind: 'drop', after: 3, code: 1012 }],
  ['an end in mid-reply', 'unreachable', { kind: 'end-early', after: 7 }],
  ['an end in mid-word', 'unreachable', { kind: 'end-early', after: 16 }],
  ['no sound', 'malformed', { kind: 'empty' }],
  ['a message that is no JSON', 'malformed', { kind: 'malformed-json', after: 2 }],
  ['a message that is no JSON, first', 'malformed', { kind: 'malformed-json', after: 0 }],
  ['half a sample', 'malformed', { kind: 'malformed-audio', after: 2 }],
  ['sound at a third of the rate', 'unreachable', { kind: 'wrong-rate', sampleRateHz: 8_000 }],
];

export function describeFailures<Fixture extends VoiceFixture>(name: string, suite: Failures<Fixture>): void {
  describe(`${name} fails`, () => {
    let vendor: Fixture;
    let client: TtsClient;
    beforeAll(async () => {
      vendor = await suite.start();
      client = suite.client(vendor);
    });
    afterEach(() => vendor.faults.mend());
    afterAll(async () => {
      await client.close();
      await vendor.close();
    });

    const table = [...COMMON, ...suite.failures];

    const check = (heard: Heard, kind: ProviderErrorKind) => {
      expect(heard.error).toBeInstanceOf(ProviderError);
      expect(heard.error).toMatchObject({ kind, provider: name });
      expect((heard.error as Error).message).not.toContain(suite.secret);
      expect((heard.error as Error).message).not.toMatch(/w\d/);
      expect(heard.ends).toBe(0);
    };

    /** A text that it lost, or had no room for, is told to it once more, on the socket that stands. */
    const timesOf = (kind: ProviderErrorKind, fault: Fault, isOpen: boolean) =>
      fault.kind === 'empty' || (kind === 'rate-limit' && ('after' in fault ? fault.after === 0 : isOpen)) ? 2 : 1;

    it.each(table)('by %s, as %s, on a new connection, and once', async (_name, kind, fault) => {
      const own = suite.client(vendor);
      const before = vendor.requests.length;
      vendor.faults.fail(fault, timesOf(kind, fault, false));
      check(await tryToListen(own, [SENTENCE]), kind);
      expect(vendor.requests.length).toBe(before + 1);
      expect((await listen(own, 'w7 w8.')).tones).toEqual([7, 8]);
      await own.close();
    });

    it.each(table)(
      'by %s, as %s, on a socket that served a reply, which serves no other',
      async (_name, kind, fault) => {
        await listen(client, 'w9.');
        const before = vendor.requests.length;
        vendor.faults.fail(fault, timesOf(kind, fault, true));
        check(await tryToListen(client, [SENTENCE]), kind);
        expect(vendor.requests.length).toBe(before);
        expect((await listen(client, 'w7 w8.')).tones).toEqual([7, 8]);
        expect(vendor.requests.length).toBe(before + 1);
      },
    );

    it('with the wait that a refused handshake asks for', async () => {
      const own = suite.client(vendor);
      vendor.faults.fail({ kind: 'status', status: 429, retryAfterS: 3 });
      const { error } = await tryToListen(own, [SENTENCE]);
      expect(error).toMatchObject({ kind: 'rate-limit', status: 429, retryAfterMs: 3000 });
      await own.close();
    });

    it('by a server that is not there', async () => {
      const gone = await suite.start();
      const own = suite.client(gone);
      await gone.close();
      check(await tryToListen(own, [SENTENCE]), 'unreachable');
      await own.close();
    });

    it('by a key that it refuses', async () => {
      const own = suite.client(vendor, 'sk_other');
      const { error } = await tryToListen(own, [SENTENCE]);
      expect(error).toMatchObject({ kind: 'auth', provider: name });
      expect((error as Error).message).not.toContain('sk_other');
      await own.close();
    });

    it('where it is broken while it speaks, with what was spoken before', async () => {
      const session = client.open({ voice: 'v', language: 'en', signal: new AbortController().signal });
      session.write('w1 w2 w3 w4 w5 w6 w7 w8 w9 w10. ');
      session.end();
      let audio = 0;
      const failing = (async () => {
        for await (const part of session.parts) {
          if (part.type === 'audio' && ++audio === 4) vendor.faults.breakNow({ kind: 'drop', after: 0, code: 1011 });
        }
      })();
      await expect(failing).rejects.toMatchObject({ kind: 'server' });
      expect(audio).toBeGreaterThanOrEqual(4);
    });

    describe('not, but ends', () => {
      it.each([
        ['at connect', { kind: 'black-hole' }],
        ['before the sound', { kind: 'stall', after: 0 }],
        ['in mid-reply', { kind: 'stall', after: 4 }],
      ] as [string, Fault][])(
        'when it is given up while silent %s; the next reply has another socket',
        async (_when, fault) => {
          const own = suite.client(vendor);
          const before = vendor.requests.length;
          vendor.faults.fail(fault);
          const abort = new AbortController();
          const session = own.open({ voice: 'v', language: 'en', signal: abort.signal });
          const heard = words(session.parts);
          session.write(`${SENTENCE} `);
          session.end();
          await new Promise((resolve) => setTimeout(resolve, 400));
          abort.abort();
          expect((await heard).error).toBeUndefined();
          expect((await listen(own, 'w7 w8.')).tones).toEqual([7, 8]);
          expect(vendor.requests.length).toBe(before + 2);
          await own.close();
        },
      );
    });
  });

  describe(`${name}’s sockets`, () => {
    let vendor: Fixture;
    let client: TtsClient;
    beforeAll(async () => {
      vendor = await suite.start();
      client = suite.client(vendor);
    });
    afterAll(async () => {
      await client.close();
      await vendor.close();
    });

    it('serve reply after reply, the first opened ahead', async () => {
      await client.open({ voice: 'v', language: 'en-US', signal: AbortSignal.abort() });
      await client.warm?.();
      await client.warm?.();
      expect(vendor.requests).toHaveLength(1);
      for (const reply of ['w1 w2.', 'w3.', 'w4 w5 w6.']) await listen(client, reply);
      expect(vendor.requests).toHaveLength(1);
      expect(vendor.connections()).toBe(1);
    });

    it('that died while idle are replaced silently', async () => {
      await listen(client, 'w1.');
      const before = vendor.requests.length;
      vendor.faults.breakNow({ kind: 'drop', after: 0 });
      await expect.poll(() => vendor.connections()).toBe(0);
      expect((await listen(client, 'w1 w2.')).tones).toEqual([1, 2]);
      expect(vendor.requests.length).toBe(before + 1);
    });

    it('that died before the text came are replaced silently', async () => {
      const session = client.open({ voice: 'v', language: 'en-US', signal: new AbortController().signal });
      const heard = words(session.parts);
      await client.warm?.();
      vendor.faults.breakNow({ kind: 'drop', after: 0 });
      await expect.poll(() => vendor.connections()).toBeLessThanOrEqual(1);
      await new Promise((resolve) => setTimeout(resolve, 30));
      session.write('w3 w4.');
      session.end();
      expect(await heard).toMatchObject({ tones: [3, 4], error: undefined });
    });

    it('tell when they stand, once, a standing one too', async () => {
      for (let times = 0; times < 2; times++) {
        const opened: number[] = [];
        const session = client.open({
          voice: 'v',
          language: 'en-US',
          signal: new AbortController().signal,
          onOpen: () => opened.push(1),
        });
        session.write('w1.');
        session.end();
        await words(session.parts);
        expect(opened).toEqual([1]);
      }
    });

    it('serve twenty replies at once, each whole', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, index) => listen(client, `w${index % 20} w1 w2.`)));
      expect(all.map(({ tones }) => tones)).toEqual(Array.from({ length: 20 }, (_, index) => [index % 20, 1, 2]));
    });

    it('are none after closing, and a reply says so', async () => {
      const own = suite.client(vendor);
      await own.warm?.();
      await own.close();
      const { error } = await tryToListen(own, ['w1.']);
      expect(error).toMatchObject({ kind: 'server', provider: name });
    });
  });
}
