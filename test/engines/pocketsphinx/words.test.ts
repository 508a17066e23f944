// Words into sounds, spoken digits into text, expectations into grammars.
import { describe, expect, it } from 'vitest';
import { digitShare, digitsOf } from '../../../src/engines/pocketsphinx/digits.ts';
import { grammarFor } from '../../../src/engines/pocketsphinx/grammars.ts';
import { Pronunciations } from '../../../src/engines/pocketsphinx/pronunciations.ts';
import { spokenWords } from '../../../src/engines/pocketsphinx/spoken-words.ts';

describe('digits', () => {
  it.each([
    ['five five five one two three four', '5551234'],
    ['double five triple oh one', '550001'],
    ['twenty two ninety eight hundred', '229800'],
    ['twelve fifteen', '1215'],
    ['it is one two please', '12'],
    ['double', ''],
    ['hello', ''],
  ])('of "%s" are "%s"', (spoken, expected) => {
    expect(digitsOf(spoken.split(' '))).toBe(expected);
  });

  it('have a share, in which words that sound like them count half', () => {
    expect(digitShare('for won to double five hello'.split(' '))).toBeCloseTo(3.5 / 6);
  });
});

describe('pronunciations', () => {
  const sounds = (word: string) => new Pronunciations().of([word]).get(word);

  it('come from both dictionaries, with every variant', () => {
    expect(sounds('zero')).toEqual(['Z IH R OW', 'Z IY R OW']);
    expect(sounds('hello')?.length).toBeGreaterThan(0);
  });

  it.each([
    ["maple's", 'M EY P AH L Z'],
    ['doorpaint', 'D AO R P EY N T'],
    ['zorbly', 'Z AO R B L IY'],
  ])('are composed for %s', (word, expected) => {
    expect(sounds(word)?.[0]).toBe(expected);
  });

  it('have only phones that the model knows, whatever the word', () => {
    for (const word of ['xqzt', 'aeiou', 'brrrrr', "o'o'o"]) {
      for (const phones of sounds(word) ?? []) expect(phones).toMatch(/^[A-Z]{1,2}(?: [A-Z]{1,2})*$/);
    }
  });
});

describe('grammars', () => {
  it('are none for open speech and for phrases without words', () => {
    expect(grammarFor({ kind: 'open' })).toBeUndefined();
    expect(grammarFor({ kind: 'phrases', phrases: ['', '123', '…'] })).toBeUndefined();
  });

  it('take nothing from a phrase but its words, so that none can break them', () => {
    const { jsgf = '' } = grammarFor({ kind: 'phrases', phrases: ['a | b; <x> = "c" /1/ {d} [e]'] }) ?? {};
    expect(jsgf).toContain(' a b x c d e ');
    expect(jsgf).not.toContain('"');
  });
});

it('takes words as the dictionary has them', () => {
  expect(spokenWords("Harbor-Solar’s 2nd Café, 'quoted'")).toEqual(['harbor', "solar's", 'nd', 'cafe', 'quoted']);
});
