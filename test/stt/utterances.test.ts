// Utterances by voice activity: what is sent, when, and in which order its answers come out.
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../src/failover/provider-error.ts';
import type { SttPart } from '../../src/stt/contract.ts';
import { type HeardUtterance, type Utterance, UtteranceSession } from '../../src/stt/utterances.ts';
import { collectStt } from '../conformance/stt.ts';
import { finalsOf } from './support/marked-speech.ts';

const RATE_HZ = 16_000;
const ms = (duration: number) => (duration * RATE_HZ) / 1000;
const hum = (durationMs: number, amplitude = 3000) =>
  Int16Array.from({ length: ms(durationMs) }, (_, i) => amplitude * Math.sin(i / 10));

interface Sent extends Utterance {
  answer(text: string): void;
  refuse(error: unknown): void;
}

/** A session whose requests are answered by hand. */
function listen(signal = new AbortController().signal) {
  const sent: Sent[] = [];
  let opened = 0;
  const session = new UtteranceSession({
    provider: 'test',
    sampleRateHz: RATE_HZ,
    language: 'en-US',
    signal,
    onOpen: () => {
      opened += 1;
    },
    recognise: (utterance) =>
      new Promise<HeardUtterance>((resolve, reject) => {
        const answer = (text: string) => resolve({ text, confidence: 1, words: [] });
        sent.push({ ...utterance, answer, refuse: reject });
      }),
  });
  const say = (durationMs: number) => {
    session.speech(true);
    session.write(hum(durationMs));
    session.speech(false);
  };
  return { session, sent, say, opened: () => opened };
}

const lengthMs = ({ samples }: Utterance | { samples: Int16Array }) => (samples.length * 1000) / RATE_HZ;
const at = <T>(items: readonly T[], index: number): T => items[index] as T;

describe('what is sent', () => {
  it('is speech with half a second before it', () => {
    const { session, sent, say } = listen();
    session.write(hum(2000, 100));
    say(1000);
    expect(sent.map(lengthMs)).toEqual([1500]);
  });

  it('is never the same sound twice', () => {
    const { session, sent, say } = listen();
    say(1000);
    session.write(hum(200));
    say(1000);
    expect(sent.map(lengthMs)).toEqual([1000, 1200]);
  });

  it('is nothing while nobody speaks', async () => {
    const { session, sent } = listen();
    session.write(hum(3000));
    session.flush();
    session.end();
    expect(await collectStt(session.parts)).toEqual([]);
    expect(sent).toEqual([]);
  });

  it('is no digital silence, which is answered all the same', async () => {
    const { session, sent } = listen();
    session.speech(true);
    session.write(new Int16Array(ms(2000)));
    session.speech(false);
    session.end();
    expect((await collectStt(session.parts)).map(({ type }) => type)).toEqual(['speech-start', 'speech-end']);
    expect(sent).toEqual([]);
  });

  it('is what was said up to a flush, then the rest', () => {
    const { session, sent } = listen();
    session.speech(true);
    session.write(hum(1000));
    session.flush();
    session.write(hum(400));
    session.end();
    expect(sent.map(lengthMs)).toEqual([1000, 400]);
  });

  it('carries what is expected and likely', () => {
    const { session, sent, say } = listen();
    session.expect({ kind: 'digits' });
    say(500);
    expect(sent[0]).toMatchObject({ expectation: { kind: 'digits' }, keyPhrases: [], language: 'en-US' });
  });
});

describe('long speech', () => {
  it('is cut in its pause and sent as it goes', () => {
    const { session, sent } = listen();
    session.speech(true);
    for (let second = 0; second < 40; second += 1) {
      // A pause of 0.2 s ends every fourth second.
      session.write(hum(second % 4 === 3 ? 800 : 1000));
      if (second % 4 === 3) session.write(new Int16Array(ms(200)));
    }
    session.speech(false);
    expect(sent.length).toBe(4);
    expect(sent.map(lengthMs).reduce((sum, one) => sum + one)).toBe(40_000);
    let endMs = 0;
    for (const utterance of sent.slice(0, -1)) {
      endMs += lengthMs(utterance);
      // Within the last 0.2 s of a span of 4 s.
      expect(endMs % 4000).toBeGreaterThan(3800);
    }
  });

  it('has its times on the clock of the stream', async () => {
    const { session, sent } = listen();
    session.write(hum(5000));
    session.speech(true);
    session.write(hum(16_000));
    session.end();
    for (const [index, utterance] of sent.entries()) utterance.answer(`part ${index}`);
    const finals = (await collectStt(session.parts)).flatMap((part) => ('text' in part ? [part] : []));
    expect(finals).toHaveLength(2);
    expect(finals[0]).toMatchObject({ text: 'part 0', startMs: 4500 });
    expect(finals[1]?.startMs).toBe(4500 + lengthMs(at(sent, 0)));
    expect(finals[1]?.endMs).toBe(21_000);
  });
});

describe('answers', () => {
  it('come out in the order of speech, whichever is first', async () => {
    const { session, sent, say } = listen();
    say(500);
    say(600);
    say(700);
    session.end();
    expect(sent).toHaveLength(3);
    at(sent, 2).answer('three');
    at(sent, 1).answer('two');
    at(sent, 0).answer('one');
    expect(finalsOf(await collectStt(session.parts))).toEqual(['one', 'two', 'three']);
  });

  it('are the end of speech alone where nothing was said', async () => {
    const { session, sent, say } = listen();
    say(500);
    say(600);
    session.end();
    at(sent, 0).answer('');
    at(sent, 1).answer('two');
    const kinds = (await collectStt(session.parts)).map((part) =>
      'atMs' in part ? [part.type, part.atMs] : part.text,
    );
    expect(kinds).toEqual([
      ['speech-start', 0],
      ['speech-start', 500],
      ['speech-end', 500],
      'two',
      ['speech-end', 1100],
    ]);
  });

  it('tell a flush of nothing as well, and don’t end speech that goes on', async () => {
    const { session, sent } = listen();
    const kinds: SttPart['type'][] = [];
    session.speech(true);
    session.write(hum(500));
    session.flush();
    session.write(hum(500));
    session.flush();
    at(sent, 0).answer('');
    at(sent, 1).answer('go on');
    for await (const { type } of session.parts) {
      kinds.push(type);
      if (type === 'final') break;
    }
    expect(kinds).toEqual(['speech-start', 'speech-end', 'final']);
  });

  it('bring times back into the audio', async () => {
    const session = new UtteranceSession({
      provider: 'test',
      sampleRateHz: RATE_HZ,
      language: 'en',
      signal: new AbortController().signal,
      recognise: async () => ({ text: 'a', confidence: 7, words: [{ text: 'a', startMs: -3, endMs: 9999 }] }),
    });
    session.speech(true);
    session.write(hum(1000));
    session.end();
    expect(await collectStt(session.parts)).toContainEqual(
      expect.objectContaining({ confidence: 1, words: [{ text: 'a', startMs: 0, endMs: 1000 }] }),
    );
  });
});

describe('a failure', () => {
  const refused = new ProviderError({ kind: 'quota', provider: 'test', message: 'test: 402' });

  it('is told at once, though an earlier request is under way, and ends all requests', async () => {
    const { session, sent, say } = listen();
    say(500);
    say(600);
    at(sent, 1).refuse(refused);
    await expect(collectStt(session.parts)).rejects.toBe(refused);
    expect(at(sent, 0).signal.aborted).toBe(true);
  });

  it('is one ProviderError, whatever was thrown', async () => {
    const { session, sent, say } = listen();
    say(500);
    at(sent, 0).refuse(new TypeError('odd'));
    await expect(collectStt(session.parts)).rejects.toMatchObject({ kind: 'server', provider: 'test' });
  });
});

describe('a session', () => {
  it('is open at once, but not before its opener has it', async () => {
    const { opened } = listen();
    expect(opened()).toBe(0);
    await Promise.resolve();
    expect(opened()).toBe(1);
  });

  it('that is aborted ends its requests, without an error', async () => {
    const abort = new AbortController();
    const { session, sent, say } = listen(abort.signal);
    say(500);
    abort.abort();
    expect(at(sent, 0).signal.aborted).toBe(true);
    expect(finalsOf(await collectStt(session.parts))).toEqual([]);
  });
});
