import { describe, expect, it } from 'vitest';
import { estimateWordTimes } from '../../src/tts/estimate-word-times.ts';

describe('estimateWordTimes', () => {
  it('spreads the words over the clause by their length, without a gap', () => {
    const words = estimateWordTimes('I can, certainly!', 1_000, 3_000);
    expect(words.map(({ text }) => text)).toEqual(['I ', 'can, ', 'certainly! ']);
    expect(words.map(({ startMs }) => Math.round(startMs))).toEqual([1_000, 1_316, 1_842]);
    expect(words.at(-1)?.endMs).toBeCloseTo(3_000);
  });

  it('has nothing for an empty clause', () => {
    expect(estimateWordTimes(' ', 0, 100)).toEqual([]);
  });
});
