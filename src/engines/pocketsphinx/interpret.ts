// From what both searches heard to one text: the grammar's where the caller answered as expected, else the open one.
import type { SpeechExpectation } from '../../config/expectation.ts';
import type { Segment } from './decoder.ts';
import { digitShare, digitsOf } from './digits.ts';
import { AGREEING, LETTER_PREFIX, PHONE_PREFIX, REFUSING } from './grammars.ts';

export interface Heard {
  readonly text: string;
  readonly confidence: number;
  readonly words: readonly Segment[];
}

export const NOTHING: Heard = { text: '', confidence: 0, words: [] };

/** Mean score per frame above which it is noise: speech has -16,000 to -90,000; steady noise fits all models equally badly, so near 0. */
const NOISE_ABOVE = -15_000;
/** Words that noise is usually recognised as, when they stand alone. */
const SOLITARY_NOISE = new Set([
  'a',
  'the',
  'if',
  'and',
  'in',
  'it',
  'of',
  'uh',
  'um',
  'mm',
  'hm',
  'huh',
  'but',
  'that',
]);
/** A word said more slowly than this is a hum or a draught. Measured: 60 at most for "yes", "no" and digits said alone. */
const MAX_FRAMES_PER_LETTER = 40;
/** Spelt letters take 200 ms and more; letters that the grammar finds in other speech are shorter. */
const MIN_FRAMES_PER_SPELT_LETTER = 16;

const isWord = ({ word }: Segment) => !/^[<[(]/.test(word);
const framesOf = ({ firstFrame, lastFrame }: Segment) => lastFrame - firstFrame + 1;
const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + value, 0);

/** @param grammar empty where the expectation has none */
export function interpret(
  expectation: SpeechExpectation,
  open: readonly Segment[],
  grammar: readonly Segment[],
): Heard {
  const dictated = dictation(open);
  if (expectation.kind === 'open') return dictated;
  const words = grammar.filter((segment) => isWord(segment) && !segment.word.startsWith(PHONE_PREFIX));
  const share = shareExpected(grammar);
  switch (expectation.kind) {
    case 'yes-no':
      return yesNo(dictated, words, share);
    case 'digits':
      return digits(dictated, words, share, expectation.minDigits ?? 1);
    case 'spelling':
      return spelling(dictated, words, share);
    case 'phrases': {
      const text = words.map(({ word }) => word).join(' ');
      return words.length > 0 && share >= 0.7 ? { text: asWritten(text), confidence: share, words } : dictated;
    }
  }
}

function dictation(open: readonly Segment[]): Heard {
  const words = open.filter(isWord);
  const frames = sum(words.map(framesOf));
  if (frames === 0 || sum(words.map(({ acoustic }) => acoustic)) / frames > NOISE_ABOVE) return NOTHING;
  const [first] = words;
  if (first && words.length === 1) {
    if (SOLITARY_NOISE.has(first.word) || frames > MAX_FRAMES_PER_LETTER * first.word.length) return NOTHING;
  }
  const confidence = sum(words.map((segment) => segment.posterior * framesOf(segment))) / frames;
  return { text: asWritten(words.map(({ word }) => word).join(' ')), confidence, words };
}

/** The share of the frames with sound that expected words, and not the phone loop, took. */
function shareExpected(grammar: readonly Segment[]): number {
  const sounds = grammar.filter(isWord);
  const expected = sounds.filter(({ word }) => !word.startsWith(PHONE_PREFIX));
  const frames = sum(sounds.map(framesOf));
  return frames === 0 ? 0 : sum(expected.map(framesOf)) / frames;
}

const YES_NO = new Set([...AGREEING, ...REFUSING].flatMap((phrase) => phrase.split(' ')));
const TELLING = new Set('yes yeah yep sure okay correct right no nope not wrong'.split(' '));

/** Takes a short answer only; longer speech, or a yes or no that the open search found already, is dictation. */
function yesNo(dictated: Heard, words: readonly Segment[], share: number): Heard {
  if (dictated.words.some(({ word }) => TELLING.has(word))) return dictated;
  const text = words.map(({ word }) => word).join(' ');
  const isShort = dictated.words.length <= 2 && words.length <= 5;
  const isAnswer = words.some(({ word }) => TELLING.has(word)) && words.every(({ word }) => YES_NO.has(word));
  return isShort && isAnswer && share >= 0.6 ? { text: asWritten(text), confidence: share, words } : dictated;
}

function digits(dictated: Heard, words: readonly Segment[], share: number, minDigits: number): Heard {
  const text = digitsOf(words.map(({ word }) => word));
  const open = dictated.words.map(({ word }) => word);
  // The open search must confirm the grammar: "hold on a second" fits "oh nine seven", and has no digit in the open search.
  const isUnsure = open.length <= 3 || dictated.confidence < 0.4;
  // When the open search found nothing, the sound may have been a knock or a hum.
  const enough = open.length === 0 ? Math.max(2, minDigits) : minDigits;
  const isAnswer = share >= 0.5 && (digitShare(open) >= 0.25 || (share >= 0.85 && isUnsure && text.length >= enough));
  return isAnswer && text !== '' ? { text, confidence: share, words } : dictated;
}

function spelling(dictated: Heard, words: readonly Segment[], share: number): Heard {
  let letters = '';
  let double = false;
  for (const { word } of words) {
    if (word.startsWith(LETTER_PREFIX)) letters += word.slice(LETTER_PREFIX.length).repeat(double ? 2 : 1);
    double = word === 'double';
  }
  // The open search writes letters of which it is sure as words of one letter: "s m i t h".
  const openLetters = dictated.words.filter(({ word }) => /^[a-z]\.?$/.test(word));
  const mostlyLetters = openLetters.length >= 2 && openLetters.length * 2 >= dictated.words.length;
  if (openLetters.length >= 3 && openLetters.length === dictated.words.length) {
    return { ...dictated, text: nameOf(openLetters.map(({ word }) => word[0]).join('')) };
  }
  const spelt = words.filter(({ word }) => word.startsWith(LETTER_PREFIX));
  const slow = sum(spelt.map(framesOf)) >= MIN_FRAMES_PER_SPELT_LETTER * spelt.length;
  const isSpelt =
    letters.length >= 2 &&
    slow &&
    (mostlyLetters || (letters.length >= 3 && share >= 0.6 && dictated.confidence < 0.85));
  return isSpelt ? { text: nameOf(letters), confidence: share, words } : dictated;
}

const nameOf = (letters: string) => letters.charAt(0).toUpperCase() + letters.slice(1);

const asWritten = (text: string) => text.replace(/\bi(?=$|\s|')/g, 'I');
