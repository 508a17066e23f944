// Names: what is left of "hi, my name is …", letters put together, and names spelt back.
import { digitsIn } from './numbers.ts';
import { editDistance } from './similarity.ts';
import { wordsOf } from './text.ts';

const LEAD_IN =
  /^.*\b(?:my name is|my name's|the name is|name is|name's|this is|i am|i'm|it is|it's|its|call me|spelled|spelt|spell it|that's|that is)\s+(?=\S)/;
const EDGES =
  /^(?:(?:yes|yeah|no|sure|okay|ok|well|so|hi|hello|oh|and|the|my|name|please|right|uh)\s+)+|(?:\s+(?:please|speaking|here|thanks|thank you|okay|and))+$/g;

const LETTER_SOUNDS: Readonly<Record<string, string>> = {
  ay: 'a',
  bee: 'b',
  be: 'b',
  see: 'c',
  sea: 'c',
  cee: 'c',
  dee: 'd',
  gee: 'g',
  aitch: 'h',
  eye: 'i',
  jay: 'j',
  kay: 'k',
  el: 'l',
  ell: 'l',
  em: 'm',
  en: 'n',
  oh: 'o',
  pee: 'p',
  pea: 'p',
  cue: 'q',
  queue: 'q',
  are: 'r',
  ar: 'r',
  ess: 's',
  tea: 't',
  tee: 't',
  you: 'u',
  vee: 'v',
  ex: 'x',
  why: 'y',
  zee: 'z',
  zed: 'z',
};
const SPELLING_ALPHABET =
  'alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu';
const ALPHABET_WORDS = new Map(SPELLING_ALPHABET.split(' ').map((word) => [word, word[0] ?? '']));

/** Words that are never a name, whatever the recogniser heard. */
const NOT_NAMES = new Set(
  'yes yeah yep no nope not okay ok sure right hello hi what sorry pardon please thanks thank you wait the a i my name it is and or to that this wrong correct incorrect exactly are you there'.split(
    ' ',
  ),
);
const MAX_WORDS = 4;

export interface HeardName {
  readonly name: string;
  /** The caller spelt it, so it must be spelt back. */
  readonly spelt: boolean;
}

/** The name that an utterance gives: "uh it's smith, s m i t h" → Smith; undefined where it holds none. */
export function nameIn(text: string): HeardName | undefined {
  const line = wordsOf(text.replace(/\b([a-z])\.(?=\s|$)/gi, '$1')).join(' ');
  const bare = line.replace(LEAD_IN, '').replace(EDGES, '').trim();
  const { words, spelling } = takeSpelling(bare.split(' ').filter((word) => word !== ''));
  if (spelling !== '') return { name: capitalise(joinSpelling(words, spelling)), spelt: true };
  const plausible = words.filter((word) => !/^\d+$/.test(word));
  if (plausible.length === 0 || plausible.length > MAX_WORDS) return undefined;
  if (plausible.every((word) => NOT_NAMES.has(word)) || digitsIn(text).length >= 3) return undefined;
  return { name: capitalise(plausible), spelt: false };
}

/** Takes runs of at least two letters ("s m i", "double t", "s as in sam", "sierra") out of the words. */
function takeSpelling(words: readonly string[]): { words: string[]; spelling: string } {
  const letters = lettersOf(words);
  const count = letters.filter((letter) => letter.letter !== '').length;
  const sure = letters.filter((letter) => letter.sure).length;
  // "are you there" has letter sounds too: a run needs letters that can't be words.
  if (count < 2 || sure < 1 || sure * 3 < count) return { words: [...words], spelling: '' };
  return {
    words: letters.filter((letter) => letter.letter === '' && letter.word !== '').map((letter) => letter.word),
    spelling: letters.map((letter) => letter.letter).join(''),
  };
}

interface LetterOrWord {
  readonly word: string;
  readonly letter: string;
  readonly sure: boolean;
}

function lettersOf(words: readonly string[]): LetterOrWord[] {
  const result: LetterOrWord[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const next = words[index + 1] ?? '';
    if (word === 'double' && (next === 'you' || next === 'u')) {
      result.push({ word: '', letter: 'w', sure: true });
      index++;
    } else if (word === 'double' && letterOf(next) !== undefined) {
      const letter = letterOf(next)?.letter ?? '';
      result.push({ word: '', letter: letter + letter, sure: true });
      index++;
    } else {
      const found = letterOf(word);
      result.push(found ?? { word, letter: '', sure: false });
      // "s as in sam", "s like sam", "s for sam"
      if (found && next === 'as' && words[index + 2] === 'in') index += 3;
      else if (found && (next === 'like' || next === 'for') && (words[index + 2] ?? '').startsWith(found.letter))
        index += 2;
    }
  }
  return result;
}

function letterOf(word: string): LetterOrWord | undefined {
  if (/^[a-z]$/.test(word)) return { word: '', letter: word, sure: word !== 'i' && word !== 'a' };
  const alphabet = ALPHABET_WORDS.get(word);
  if (alphabet !== undefined) return { word: '', letter: alphabet, sure: false };
  const sound = LETTER_SOUNDS[word];
  return sound === undefined ? undefined : { word: '', letter: sound, sure: false };
}

/** "peter smyth" spelt "smith" is "peter smith"; "peter" spelt "smith" too. */
function joinSpelling(words: readonly string[], spelling: string): string[] {
  const kept = words.filter((word) => !NOT_NAMES.has(word));
  const last = kept.at(-1);
  const whole = kept.join('');
  if (whole !== '' && editDistance(whole, spelling) * 2 <= spelling.length) return [spelling];
  const same = last !== undefined && editDistance(last, spelling) * 2 <= Math.max(last.length, spelling.length);
  return [...(same ? kept.slice(0, -1) : kept), spelling].slice(-MAX_WORDS);
}

function capitalise(words: readonly string[]): string {
  return words.map((word) => (word[0] ?? '').toUpperCase() + word.slice(1)).join(' ');
}

/** "Smith" → "S, M, I, T, H", with a pause between words. */
export function spell(name: string): string {
  return name
    .split(' ')
    .map((word) => [...word.replace(/[^a-z]/gi, '').toUpperCase()].join(', '))
    .join('. ');
}
