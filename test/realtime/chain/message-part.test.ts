// What one session gives of a message: words and audio that come apart are given on together.
import { describe, expect, it } from 'vitest';
import { decodeTones, speakTones } from '../../../fixtures/tones.ts';
import { MessagePart, REPLY_RATE_HZ } from '../../../src/realtime/chain/message-part.ts';
import { SpeakingPace } from '../../../src/realtime/chain/spoken-words.ts';

const PIECE = REPLY_RATE_HZ / 10;

function partAfter(said: string, pace = new SpeakingPace()) {
  const audio: number[] = [];
  let text = '';
  const output = { audio: (samples: Int16Array) => audio.push(...samples), text: (more: string) => (text += more) };
  const part = new MessagePart(output, pace, said);
  /** @param most how many tones there are, where not all: less work */
  const heard = (most?: number) => decodeTones(Int16Array.from(audio), REPLY_RATE_HZ, most);
  return {
    part,
    text: () => text.trim(),
    heard,
    words: () => heard().map(({ index }) => index),
    /** Length of the shortest word. */
    shortestMs: () => Math.min(...heard().map(({ startMs, endMs }) => endMs - startMs)),
  };
}

describe('a session that goes on with a message', () => {
  it.each([0, 1, 2, 3, 5])('loses no audio where the text of its first word is late by %i pieces', (late) => {
    const { part, text, words } = partAfter('w0');
    const samples = speakTones([1, 2, 3], REPLY_RATE_HZ);
    for (let piece = 0; piece * PIECE < samples.length; piece += 1) {
      const word = piece - late;
      if (word >= 0 && word % 3 === 0) part.words(`w${1 + word / 3} `);
      part.audio(samples.slice(piece * PIECE, (piece + 1) * PIECE));
    }
    if (late > 2) part.words('w3 ');
    part.end();
    expect(words()).toEqual([1, 2, 3]);
    expect(text()).toBe('w1 w2 w3');
  });

  it('drops the audio of several words that were said before, though it knows the next one late', () => {
    const { part, text, words } = partAfter('w0 w1 w2 ');
    const samples = speakTones([0, 1, 2, 3, 4], REPLY_RATE_HZ);
    for (let piece = 0; piece < 15; piece += 1) {
      part.audio(samples.slice(piece * PIECE, (piece + 1) * PIECE));
      if (piece % 3 === 0) part.words(`${piece === 0 ? '' : ' '}w${piece / 3}`);
    }
    part.end();
    expect(words()).toEqual([3, 4]);
    expect(text()).toBe('w3 w4');
  });

  it('keeps the first word whole that was not said before, though its text comes after its audio began', () => {
    const { part, text, words, shortestMs } = partAfter('w0 w1');
    const samples = speakTones([0, 1, 2, 3], REPLY_RATE_HZ);
    for (let piece = 0; piece < 12; piece += 1) {
      part.audio(samples.slice(piece * PIECE, (piece + 1) * PIECE));
      if (piece % 3 === 1) part.words(`${piece === 1 ? '' : ' '}w${(piece - 1) / 3}`);
    }
    part.end();
    expect(words()).toEqual([2, 3]);
    expect(shortestMs()).toBeGreaterThan(200);
    expect(text()).toBe('w2 w3');
  });

  it('drops the audio of a session that only repeats what was said', () => {
    const { part, text, words } = partAfter('w0 w1 w2 ');
    part.words('w1 w2');
    part.audio(speakTones([1, 2], REPLY_RATE_HZ));
    part.end();
    expect(words()).toEqual([]);
    expect(text()).toBe('');
  });

  it('drops the audio of words that were said before, though the last of them had no blank behind it', () => {
    const { part, text, words } = partAfter('w0 w1');
    const samples = speakTones([0, 1, 2, 3], REPLY_RATE_HZ);
    for (let word = 0; word < 4; word += 1) {
      part.words(`${word === 0 ? '' : ' '}w${word}`);
      part.audio(samples.slice(word * 3 * PIECE, (word + 1) * 3 * PIECE));
    }
    part.end();
    expect(words()).toEqual([2, 3]);
    expect(text()).toBe('w2 w3');
  });
});

describe('a session that breaks in the middle of a message', () => {
  const WORD_MS = 300;
  const PIECES_MS = [40, 100, 200, 400];
  const LEADS_MS = [-200, 0, 300, 2_000];

  /** Speaks w0 to w8: words come in the piece in which they begin, or earlier by a lead. */
  function speak(pace: SpeakingPace, how: { pieceMs: number; leadMs: number; isTextFirst: boolean; pieces: number }) {
    const spoken = partAfter('', pace);
    const { part } = spoken;
    const said = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const samples = speakTones(said, REPLY_RATE_HZ);
    const size = (REPLY_RATE_HZ * how.pieceMs) / 1000;
    let told = 0;
    for (let piece = 0; piece < how.pieces; piece += 1) {
      const untilMs = (piece + 1) * how.pieceMs + how.leadMs;
      const due = said.filter((word) => word * WORD_MS < untilMs).length;
      const fresh = said.slice(told, due).map((word) => `${word === 0 ? '' : ' '}w${word}`);
      told = due;
      const tell = [
        () => part.words(fresh.join('')),
        () => part.audio(samples.slice(piece * size, (piece + 1) * size)),
      ];
      for (const each of how.isTextFirst ? tell : tell.reverse()) each();
    }
    return spoken;
  }

  for (const pieceMs of PIECES_MS)
    for (const leadMs of LEADS_MS)
      for (const isTextFirst of [true, false])
        it(`loses no word: pieces of ${pieceMs} ms, words ${leadMs} ms ahead, ${isTextFirst ? 'words' : 'audio'} first`, () => {
          const all = Math.ceil((9 * WORD_MS) / pieceMs);
          for (let pieces = 1; pieces < all; pieces += 1) {
            const pace = new SpeakingPace();
            speak(pace, { pieceMs: 100, leadMs, isTextFirst, pieces: 27 }).part.end();
            const { part, text, heard } = speak(pace, { pieceMs, leadMs, isTextFirst, pieces });
            part.break();
            const whole = heard(9).filter((word) => word.endMs - word.startMs > 160);
            expect(text(), `broken after ${pieces} pieces`).toBe(whole.map(({ index }) => `w${index}`).join(' '));
          }
        });
});
