// What every text-to-speech provider must do, whoever speaks. A provider's own test calls `ttsConformance` and adds what
// is peculiar to it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { levelDbfs } from '../../src/audio/voiced-spans.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import type { TtsClient, TtsPart, TtsSession, TtsTraits } from '../../src/tts/contract.ts';

export interface TtsConformanceOptions {
  readonly traits: TtsTraits;
  /** The provider's default for the language where absent. */
  readonly voice?: string;
  /** 'en-US' where absent. */
  readonly language?: string;
}

const SENTENCE = 'Thank you for calling, your order will be ready tomorrow at noon.';
const SENTENCE_WORDS = 12;
/** Limits for the length of a word: from rushed speech to a slow tone for each word. */
const WORD_MS = { min: 120, max: 700 } as const;
const SPEECH_ABOVE_DBFS = -45;

/** @param makeClient called for the suite, and again where a test closes its client */
export function ttsConformance(
  name: string,
  makeClient: () => TtsClient | Promise<TtsClient>,
  { traits, voice, language = 'en-US' }: TtsConformanceOptions,
): void {
  describe(`${name} as a text-to-speech provider`, () => {
    let client: TtsClient;
    beforeAll(async () => {
      client = await makeClient();
    });
    afterAll(() => client.close());

    const open = (signal = new AbortController().signal, from = client): TtsSession =>
      from.open({ voice: voice ?? Object.values(traits.defaultVoices)[0] ?? '', language, signal });

    const durationMs = (parts: readonly TtsPart[]) => (samplesIn(parts).length * 1000) / traits.sampleRateHz;

    describe('speaking', () => {
      it('begins before the reply is written to its end', async () => {
        const session = open();
        const parts = session.parts[Symbol.asyncIterator]();
        for (const piece of inPieces('Good morning to you. How may I help you today? I am')) session.write(piece);
        const first = await parts.next();
        expect(first.value).toMatchObject({ type: traits.wordTimes === 'none' ? 'audio' : expect.any(String) });
        session.write(' listening.');
        session.end();
        const rest = await collect({ [Symbol.asyncIterator]: () => parts });
        expect(rest.some((part) => part.type === 'audio')).toBe(true);
      });

      it('takes as long as its words do at the rate that its traits give, and is heard', async () => {
        const parts = await speak(open(), SENTENCE);
        expect(durationMs(parts)).toBeGreaterThan(SENTENCE_WORDS * WORD_MS.min);
        expect(durationMs(parts)).toBeLessThan(SENTENCE_WORDS * WORD_MS.max);
        expect(levelDbfs(samplesIn(parts))).toBeGreaterThan(SPEECH_ABOVE_DBFS);
      });

      it('speaks all of a longer text, in whatever pieces it comes', async () => {
        const once = durationMs(await speak(open(), SENTENCE));
        const thrice = durationMs(await speak(open(), `${SENTENCE} ${SENTENCE} ${SENTENCE}`));
        expect(thrice).toBeGreaterThan(2.5 * once);
      });

      it('gives its parts in order: audio, then the end of the segment', async () => {
        const parts = await speak(open(), SENTENCE);
        expect(parts.at(-1)).toEqual({ type: 'segment-end' });
        expect(parts.filter((part) => part.type === 'segment-end')).toHaveLength(1);
        for (const part of parts) {
          if (part.type === 'audio') expect(part.samples.length).toBeGreaterThan(0);
        }
      });

      it('sends times of words exactly when its traits say so', async () => {
        const parts = await speak(open(), SENTENCE);
        const words = parts.filter((part) => part.type === 'word');
        expect(words.length > 0).toBe(traits.wordTimes !== 'none');
        let beforeMs = 0;
        for (const word of words) {
          expect(word.startMs).toBeGreaterThanOrEqual(beforeMs);
          expect(word.endMs).toBeGreaterThanOrEqual(word.startMs);
          expect(word.endMs).toBeLessThanOrEqual(durationMs(parts) + 1);
          beforeMs = word.startMs;
        }
      });

      it('keeps two replies at once apart', async () => {
        const alone = durationMs(await speak(open(), SENTENCE));
        const [short, long] = await Promise.all([
          speak(open(), SENTENCE),
          speak(open(), `${SENTENCE} ${SENTENCE} ${SENTENCE}`),
        ]);
        expect(durationMs(short)).toBeLessThan(1.5 * alone);
        expect(durationMs(long)).toBeGreaterThan(2.5 * alone);
      });
    });

    describe('segments', () => {
      it('speaks an unfinished sentence when flushed', async () => {
        const session = open();
        const parts = session.parts[Symbol.asyncIterator]();
        session.write('One moment');
        session.flush();
        const segment = await untilSegmentEnd(parts);
        expect(samplesIn(segment).length).toBeGreaterThan(0);
        session.write('Here it is');
        session.flush();
        expect(samplesIn(await untilSegmentEnd(parts)).length).toBeGreaterThan(0);
        session.end();
        await collect({ [Symbol.asyncIterator]: () => parts });
      });

      it('ends each of several, with its audio before it', async () => {
        const session = open();
        session.write('The first part.');
        session.flush();
        session.write('The second part.');
        session.flush();
        session.write('The third part.');
        session.end();
        const kinds = (await collect(session.parts)).map((part) => part.type).filter((type) => type !== 'word');
        const withoutRepeats = kinds.filter((type, index) => type !== kinds[index - 1]);
        expect(withoutRepeats).toEqual(['audio', 'segment-end', 'audio', 'segment-end', 'audio', 'segment-end']);
      });

      it.each([
        ['nothing', []],
        ['an empty text', ['']],
        ['blanks', [' ', '\n', '  ']],
      ])('gives no audio and one end for %s', async (_what, texts) => {
        const session = open();
        for (const text of texts) session.write(text);
        session.end();
        expect(await collect(session.parts)).toEqual([{ type: 'segment-end' }]);
      });

      it('goes on after a flush of nothing', async () => {
        const session = open();
        session.flush();
        session.write('Still here.');
        session.end();
        const parts = await collect(session.parts);
        expect(parts[0]).toEqual({ type: 'segment-end' });
        expect(samplesIn(parts).length).toBeGreaterThan(0);
      });
    });

    describe('cancelling', () => {
      it('ends without an error when cancelled before it was opened', async () => {
        const session = open(AbortSignal.abort());
        session.write(SENTENCE);
        session.end();
        expect(await collect(session.parts)).toEqual([]);
      });

      it('ends without an error when cancelled before the first audio', async () => {
        const abort = new AbortController();
        const session = open(abort.signal);
        const parts = collect(session.parts);
        session.write(SENTENCE);
        abort.abort();
        expect(samplesIn(await parts)).toHaveLength(0);
      });

      it('ends without an error and before the text does when cancelled in mid-speech', async () => {
        const abort = new AbortController();
        const session = open(abort.signal);
        const parts = session.parts[Symbol.asyncIterator]();
        for (let times = 0; times < 20; times++) session.write(`${SENTENCE} `);
        await parts.next();
        abort.abort();
        const rest = await collect({ [Symbol.asyncIterator]: () => parts });
        expect(durationMs(rest)).toBeLessThan(20 * SENTENCE_WORDS * WORD_MS.min);
      });

      it('ignores what is written, flushed or ended afterwards', async () => {
        const abort = new AbortController();
        const session = open(abort.signal);
        session.write(SENTENCE);
        abort.abort();
        session.write(SENTENCE);
        session.flush();
        session.end();
        session.end();
        await collect(session.parts);
      });

      it('speaks the next reply as if nothing had been', async () => {
        const abort = new AbortController();
        open(abort.signal).write(`${SENTENCE} ${SENTENCE}`);
        abort.abort();
        expect(durationMs(await speak(open(), SENTENCE))).toBeGreaterThan(SENTENCE_WORDS * WORD_MS.min);
      });
    });

    describe('closing', () => {
      it('settles the replies under way, and may be repeated', async () => {
        const own = await makeClient();
        const session = open(undefined, own);
        for (let times = 0; times < 20; times++) session.write(`${SENTENCE} `);
        const outcome = collect(session.parts).catch((error: unknown) => error);
        await own.close();
        await own.close();
        session.end();
        const settled = await outcome;
        if (!Array.isArray(settled)) expect(settled).toBeInstanceOf(ProviderError);
      });

      it('closes when it was never used', async () => {
        const own = await makeClient();
        await own.close();
      });
    });
  });
}

/** Cuts a text as a model writes it: a few letters at a time, cut anywhere. */
function inPieces(text: string): string[] {
  return text.match(/.{1,4}/gs) ?? [];
}

async function speak(session: TtsSession, text: string): Promise<TtsPart[]> {
  for (const piece of inPieces(text)) session.write(piece);
  session.end();
  return collect(session.parts);
}

/** Collects all parts of a reply; rejects if the reply fails. */
export async function collect(parts: AsyncIterable<TtsPart>): Promise<TtsPart[]> {
  const all: TtsPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

async function untilSegmentEnd(parts: AsyncIterator<TtsPart>): Promise<TtsPart[]> {
  const segment: TtsPart[] = [];
  for (;;) {
    const { value, done } = await parts.next();
    if (done) throw new Error('the reply ended before its segment did');
    if (value.type === 'segment-end') return segment;
    segment.push(value);
  }
}

function samplesIn(parts: readonly TtsPart[]): Int16Array {
  const pieces = parts.flatMap((part) => (part.type === 'audio' ? [part.samples] : []));
  const all = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
