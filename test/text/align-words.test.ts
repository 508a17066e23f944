// The words that were written, found in those that a vendor tells.
import { describe, expect, it } from 'vitest';
import { WordAligner } from '../../src/text/align-words.ts';

/** 100 ms a word, one after another; `audioMs` where there is more or less sound than words. */
function align(written: string, told: string, audioMs?: number) {
  const aligner = new WordAligner();
  aligner.write(written);
  const spoken = told.split(' ').filter((word) => word !== '');
  const found = spoken.flatMap((text, at) => aligner.hear({ text, startMs: at * 100, endMs: at * 100 + 100 }));
  found.push(...aligner.finish(audioMs ?? spoken.length * 100));
  return { found, missing: aligner.missing, texts: found.map(({ text }) => text) };
}

const timesOf = (written: string, told: string) =>
  align(written, told).found.map(({ text, startMs, endMs }) => [text.trim(), Math.round(startMs), Math.round(endMs)]);

describe('what was written', () => {
  it.each([
    ['word for word', 'Thank you, Ann.  Bye!', 'Thank you Ann Bye'],
    ['with other case, accents and punctuation', 'Où est-il, « René » ?', 'ou est il rene'],
    ['where words are cut in pieces', "I don't like well-known ones.", "I do n't like well known ones"],
    ['where two are told as one', 'New York is far.', 'NewYork is far'],
    ['with markup and signs of their own', '**Now** — 5 * 3 … ok 👍', 'now 5 3 ok'],
    [
      'where a number is read in words',
      'It is $5.50 now and 3 pm.',
      'It is five dollars and fifty cents now and three pm',
    ],
    ['where an abbreviation is read out', 'Dr. Smith lives on Main St. now', 'Doctor Smith lives on Main Street now'],
    ['where a number is the last', 'Your code is 4711.', 'your code is four seven one one'],
    ['where the vendor leaves one out', 'one two three four five', 'one two four five'],
    ['where the vendor adds one', 'one two three', 'one um two three'],
    ['where the first is a number', '24 hours a day', 'twenty four hours a day'],
  ])('comes back whole, %s', (_how, written, told) => {
    const { texts, missing } = align(written, told);
    expect(texts.join('')).toBe(written);
    expect(missing).toBe(0);
  });

  it('has the times of what stands for it', () => {
    expect(timesOf('It is $5 today.', 'it is five dollars today')).toEqual([
      ['It', 0, 100],
      ['is', 100, 200],
      ['$5', 200, 400],
      ['today.', 400, 500],
    ]);
  });

  it('has times that never go back', () => {
    const { found } = align(
      'In 1999 and 2001 we met 3 times.',
      'in nineteen ninety nine and two thousand one we met three times',
    );
    for (const [at, { startMs, endMs }] of found.entries()) {
      expect(endMs).toBeGreaterThanOrEqual(startMs);
      expect(startMs).toBeGreaterThanOrEqual(found[at - 1]?.startMs ?? 0);
    }
  });

  it('may come later than what was told before', () => {
    const aligner = new WordAligner();
    aligner.write('One. ');
    const first = aligner.hear({ text: 'one', startMs: 0, endMs: 100 });
    aligner.write('Two.', '\n');
    const second = aligner.hear({ text: 'two', startMs: 100, endMs: 200 });
    expect([...first, ...second].map(({ text }) => text)).toEqual(['One. ', '\nTwo.']);
  });

  it('does not jump to the same word further on', () => {
    expect(timesOf('the cat and the dog and the cow', 'the cat and the dog and the cow').map(([text]) => text)).toEqual(
      'the cat and the dog and the cow'.split(' '),
    );
  });
});

describe('what was not spoken', () => {
  it.each([
    ['all after a word', 'one two three four five six', 'one two', 200, 4],
    ['the last', 'one two three', 'one two', 210, 1],
    ['all after a number that is being read', 'call 5551234 now and ask for Ann', 'call five five', 300, 4],
    ['everything', 'one two three', '', 0, 3],
  ])('is %s', (_what, written, told, audioMs, missing) => {
    expect(align(written, told, audioMs).missing).toBe(missing);
  });

  it('is nothing where only times are missing and there is sound enough', () => {
    const { texts, missing } = align('one two three four', 'one two', 800);
    expect(missing).toBe(0);
    expect(texts).toEqual(['one ', 'two ', 'three ', 'four']);
  });
});
