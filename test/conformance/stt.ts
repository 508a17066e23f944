// What every speech-to-text provider must do, whoever listens. A provider's own test calls `sttConformance` and adds what is
// peculiar to it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProviderError } from '../../src/failover/provider-error.ts';
import type { SttClient, SttPart, SttSession, SttTraits } from '../../src/stt/contract.ts';

export interface SttConformanceOptions {
  readonly traits: SttTraits;
  /** Mono PCM16 at the traits' rate in which something is said that the provider understands. */
  readonly speech: Int16Array;
  /** Must match the transcript of `speech`. */
  readonly heard: RegExp;
  /** 'en-US' where absent. */
  readonly language?: string;
  /** Flushes after the speech as the chain does, because a vendor with habits may not notice the end of an utterance. */
  readonly isFlushedAtQuiet?: boolean;
}

/** An interim or a final. */
export type SttWords = Extract<SttPart, { readonly text: string }>;

const SILENCE_MS = 600;
const FRAME_MS = 20;

/** @param makeClient called for the suite, and again where a test closes its client */
export function sttConformance(
  name: string,
  makeClient: () => SttClient | Promise<SttClient>,
  { traits, speech, heard, language = 'en-US', isFlushedAtQuiet = false }: SttConformanceOptions,
): void {
  describe(`${name} as a speech-to-text provider`, () => {
    let client: SttClient;
    beforeAll(async () => {
      client = await makeClient();
      await client.warm?.();
    }, 60_000);
    afterAll(() => client.close());

    const samplesFor = (ms: number) => Math.round((ms * traits.sampleRateHz) / 1000);
    const silence = () => new Int16Array(samplesFor(SILENCE_MS));

    const open = (signal = new AbortController().signal, from = client) => from.open({ language, signal });

    function write(session: SttSession, samples: Int16Array): void {
      const frame = samplesFor(FRAME_MS);
      for (let at = 0; at < samples.length; at += frame) session.write(samples.subarray(at, at + frame));
    }

    /** Writes one utterance between silences, with voice activity for providers that need it. */
    function say(session: SttSession, samples = speech): void {
      write(session, silence());
      session.speech?.(true);
      write(session, samples);
      write(session, silence());
      if (isFlushedAtQuiet) session.flush();
      session.speech?.(false);
    }

    const texts = (parts: readonly SttPart[], type: 'interim' | 'final') =>
      parts.flatMap((part) => (part.type === type ? [part.text] : []));

    describe('listening', () => {
      it('hears what was said', async () => {
        const session = open();
        say(session);
        session.end();
        expect(texts(await collectStt(session.parts), 'final').join(' ')).toMatch(heard);
      });

      it('gives interim words before the end of speech exactly when its traits say so', async () => {
        const session = open();
        say(session);
        session.end();
        const parts = await collectStt(session.parts);
        expect(texts(parts, 'interim').length > 0).toBe(traits.interimResults);
        const lastOfAll = parts.findLastIndex(({ type }) => type === 'final' || type === 'interim');
        expect(parts[lastOfAll]?.type).toBe('final');
      });

      it('hears each of several utterances once, in order', async () => {
        const session = open();
        say(session);
        say(session);
        say(session);
        session.end();
        const finals = texts(await collectStt(session.parts), 'final');
        expect(finals).toHaveLength(3);
        for (const text of finals) expect(text).toMatch(heard);
      });

      it('gives times that lie within the audio and never go back', async () => {
        const session = open();
        say(session);
        say(session);
        session.end();
        const finals = (await collectStt(session.parts)).flatMap((part) =>
          part.type === 'final' ? [part as SttWords] : [],
        );
        const totalMs = 2 * (2 * SILENCE_MS + (speech.length * 1000) / traits.sampleRateHz);
        let beforeMs = 0;
        for (const { startMs, endMs, words } of finals) {
          expect(startMs).toBeGreaterThanOrEqual(beforeMs);
          expect(endMs).toBeGreaterThanOrEqual(startMs);
          expect(endMs).toBeLessThanOrEqual(totalMs + 1);
          expect(words.length > 0).toBe(traits.wordTimes);
          let wordMs = startMs;
          for (const word of words) {
            expect(word.startMs).toBeGreaterThanOrEqual(wordMs);
            expect(word.endMs).toBeGreaterThanOrEqual(word.startMs);
            wordMs = word.startMs;
          }
          beforeMs = endMs;
        }
      });

      it('gives a confidence between 0 and 1, and the language', async () => {
        const session = open();
        say(session);
        session.end();
        for (const part of await collectStt(session.parts)) {
          if (!('text' in part)) continue;
          expect(part.confidence).toBeGreaterThanOrEqual(0);
          expect(part.confidence).toBeLessThanOrEqual(1);
          expect(part.language).not.toBe('');
        }
      });

      it('tells the beginning of speech before its words, and the end after them', async () => {
        const session = open();
        say(session);
        session.end();
        const kinds = (await collectStt(session.parts)).map(({ type }) => type);
        if (!kinds.includes('speech-start')) return;
        expect(kinds[0]).toBe('speech-start');
        expect(kinds.filter((kind) => kind === 'speech-start')).toHaveLength(1);
        expect(kinds.at(-1)).toBe('speech-end');
      });

      it('keeps two callers at once apart', async () => {
        const [one, two] = [open(), open()];
        say(one);
        say(two);
        say(two);
        one.end();
        two.end();
        const [first, second] = await Promise.all([collectStt(one.parts), collectStt(two.parts)]);
        expect(texts(first, 'final')).toHaveLength(1);
        expect(texts(second, 'final')).toHaveLength(2);
        for (const text of [...texts(first, 'final'), ...texts(second, 'final')]) expect(text).toMatch(heard);
      });

      it('doesn’t keep the array that it was given', async () => {
        const session = open();
        const frame = new Int16Array(samplesFor(FRAME_MS));
        session.speech?.(true);
        for (let at = 0; at < speech.length; at += frame.length) {
          const piece = speech.subarray(at, at + frame.length);
          frame.set(piece);
          session.write(frame.subarray(0, piece.length));
          frame.fill(0);
        }
        write(session, silence());
        session.speech?.(false);
        session.end();
        expect(texts(await collectStt(session.parts), 'final').join(' ')).toMatch(heard);
      });
    });

    describe('flushing', () => {
      it('finalises what was said so far, while the caller speaks on', async () => {
        const session = open();
        session.speech?.(true);
        write(session, speech);
        write(session, silence());
        session.flush();
        const early: SttPart[] = [];
        for await (const part of session.parts) {
          early.push(part);
          if (part.type === 'final') break;
        }
        expect(texts(early, 'final')[0]).toMatch(heard);
        session.end();
      });

      it('gives nothing where nothing was said', async () => {
        const session = open();
        session.flush();
        write(session, silence());
        session.flush();
        session.end();
        expect(texts(await collectStt(session.parts), 'final')).toEqual([]);
      });
    });

    describe('nothing to hear', () => {
      it('gives nothing for no audio', async () => {
        const session = open();
        session.end();
        expect(await collectStt(session.parts)).toEqual([]);
      });

      it('gives no words for silence', async () => {
        const session = open();
        say(session, new Int16Array(samplesFor(1500)));
        session.end();
        expect(texts(await collectStt(session.parts), 'final').join('')).toBe('');
      });
    });

    describe('cancelling', () => {
      it('ends without an error when cancelled before it was opened', async () => {
        const session = open(AbortSignal.abort());
        say(session);
        session.end();
        expect(await collectStt(session.parts)).toEqual([]);
      });

      it('ends without an error and without a final when cancelled in mid-speech', async () => {
        const abort = new AbortController();
        const session = open(abort.signal);
        const parts = collectStt(session.parts);
        session.speech?.(true);
        write(session, speech);
        abort.abort();
        expect(texts(await parts, 'final')).toEqual([]);
      });

      it('ignores what comes after the end, twice', async () => {
        const session = open();
        say(session);
        session.end();
        say(session);
        session.flush();
        session.end();
        expect(texts(await collectStt(session.parts), 'final')).toHaveLength(1);
      });

      it('hears the next caller as if nothing had been', async () => {
        const abort = new AbortController();
        const cancelled = open(abort.signal);
        cancelled.speech?.(true);
        write(cancelled, speech);
        abort.abort();
        const session = open();
        say(session);
        session.end();
        expect(texts(await collectStt(session.parts), 'final').join(' ')).toMatch(heard);
      });
    });

    it('ends or fails as a provider does when it is closed while busy', async () => {
      const own = await makeClient();
      const session = open(new AbortController().signal, own);
      const outcome = collectStt(session.parts).catch((error: unknown) => error);
      say(session);
      await own.close();
      session.end();
      const ended = await outcome;
      if (!Array.isArray(ended)) expect(ended).toBeInstanceOf(ProviderError);
    });
  });
}

export async function collectStt(parts: AsyncIterable<SttPart>): Promise<SttPart[]> {
  const all: SttPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}
