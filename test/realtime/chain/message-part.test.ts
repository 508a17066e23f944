// What one session gives of a message: words and audio that come apart are given on together.
import { describe, expect, it } from 'vitest';
import { decodeTones, speakTones } from '../../../fixtures/tones.ts';
import { MessagePart, REPLY_RATE_HZ } from '../../../src/realtime/chain/message-part.ts';
import { SpeakingPace } from '../../../src/realtime/chain/spoken-words.ts';

const PIECE = REPLY_RATE_HZ / 10;

function partAfter(said: string) {
  const audio: number[] = [];
  let text = '';
  const output = { audio: (samples: Int16Array) => audio.push(...samples), text: (more: string) => (text += more) };
  const part = new MessagePart(output, new SpeakingPace(), said);
  return {
    part,
    text: () => text.trim(),
    words: () => decodeTones(Int16Array.from(audio), REPLY_RATE_HZ).map(({ index }) => index),
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
});
