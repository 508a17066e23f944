import { describe, expect, it } from 'vitest';
import { compareWords, dueWords, sumWords } from './support/compare-words.ts';

const due = dueWords([0, 1, 2, 3]);

describe('comparing words', () => {
  it('finds nothing wrong where all came in order', () => {
    expect(compareWords(due, [0, 1, 2, 3])).toEqual({ due: 4, lost: 0, twice: 0 });
  });

  it('counts what never came', () => {
    expect(compareWords(due, [0, 3])).toEqual({ due: 4, lost: 2, twice: 0 });
    expect(compareWords(due, [])).toEqual({ due: 4, lost: 4, twice: 0 });
  });

  it('counts what came again, at once or in a later turn', () => {
    expect(compareWords(due, [0, 1, 1, 2, 3])).toEqual({ due: 4, lost: 0, twice: 1 });
    expect(compareWords(dueWords([0, 1, 2, 3]), [0, 1, 0, 1, 2, 3])).toEqual({ due: 4, lost: 0, twice: 2 });
  });

  it('takes no word that came again for one that was lost elsewhere', () => {
    expect(compareWords(dueWords([0, 1, 2, 0, 1, 2]), [0, 1, 2, 2, 0, 1])).toEqual({ due: 6, lost: 1, twice: 1 });
  });

  it('counts a word out of its place as lost and as said besides', () => {
    expect(compareWords(due, [1, 0, 2, 3])).toEqual({ due: 4, lost: 1, twice: 1 });
  });

  it('misses nothing of an interrupted reply, and still knows what came twice', () => {
    const interrupted = [...dueWords([0, 1, 2, 3], true), ...dueWords([4, 5])];
    expect(compareWords(interrupted, [0, 1, 4, 5])).toEqual({ due: 2, lost: 0, twice: 0 });
    expect(compareWords(interrupted, [4, 5])).toEqual({ due: 2, lost: 0, twice: 0 });
    expect(compareWords(interrupted, [0, 1, 1, 4])).toEqual({ due: 2, lost: 1, twice: 1 });
  });

  it('adds the counts of several sides up', () => {
    expect(sumWords([compareWords(due, [0, 0]), compareWords(due, [0, 1, 2, 3])])).toEqual({
      due: 8,
      lost: 3,
      twice: 1,
    });
  });
});
