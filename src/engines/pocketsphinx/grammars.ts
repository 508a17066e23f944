// What the caller is expected to say, as JSGF. Beside it a loop of bare phones takes what is something else, so that the
// grammar doesn't turn any sound into an answer.
import type { SpeechExpectation } from '../../config/expectation.ts';
import { spokenWords } from './spoken-words.ts';

export interface Grammar {
  readonly name: string;
  readonly jsgf: string;
  /** Each token with the dictionary word that it sounds like. */
  readonly tokens: ReadonlyMap<string, string>;
}

export const PHONES =
  'AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH'.split(' ');
/** Tokens of the loop begin like this. */
export const PHONE_PREFIX = '_';
export const LETTER_PREFIX = 'letter_';

/** How likely one phone of something else is beside an expected word: lower lets more sounds pass as answers. */
const PHONE_WEIGHT = 0.02;
const ASIDE_WEIGHT = 0.05;

const UNITS = 'zero oh one two three four five six seven eight nine'.split(' ');
const TENS = 'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const MULTIPLES = 'twenty thirty forty fifty sixty seventy eighty ninety hundred thousand'.split(' ');
const RARE_NUMBER_WEIGHT = 0.1;

export const AGREEING = [
  'yes',
  'yeah',
  'yep',
  'yes please',
  'yes it is',
  "yes that's right",
  'yes that is right',
  "yes that's correct",
  'sure',
  'okay',
  'correct',
  'right',
  "that's right",
  'that is right',
  "that's correct",
  'that is correct',
];
export const REFUSING = [
  'no',
  'nope',
  'no thank you',
  'no thanks',
  'no it is not',
  "no it isn't",
  "no that's wrong",
  'no that is wrong',
  "no that's not right",
  'no that is not right',
  'no that is not correct',
  'not really',
  "that's wrong",
  'that is wrong',
  "that's not right",
  'that is not right',
];
const DIGIT_ASIDES = [
  'my number is',
  'the number is',
  'it is',
  "it's",
  'area code',
  'please',
  'thank you',
  'um',
  'and',
];
const SPELLING_ASIDES = ['my name is', 'it is', "it's", 'that is', "that's", 'please', 'thank you', 'um', 'and'];

/** Nothing for `open`, and for phrases without any words. */
export function grammarFor(expectation: SpeechExpectation): Grammar | undefined {
  switch (expectation.kind) {
    case 'open':
      return undefined;
    case 'yes-no':
      return loop('yes-no', [...AGREEING, ...REFUSING], []);
    case 'digits':
      return loop('digits', [...UNITS, 'double', 'triple'], DIGIT_ASIDES, [...TENS, ...MULTIPLES]);
    case 'spelling':
      return loop(
        'spelling',
        [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => LETTER_PREFIX + letter).concat('double'),
        SPELLING_ASIDES,
      );
    case 'phrases': {
      const phrases = expectation.phrases.map((phrase) => spokenWords(phrase).join(' ')).filter(Boolean);
      return phrases.length > 0 ? loop(`phrases:${phrases.join('|')}`, phrases, []) : undefined;
    }
  }
}

function loop(
  name: string,
  expected: readonly string[],
  asides: readonly string[],
  rare: readonly string[] = [],
): Grammar {
  const choices = [
    ...expected,
    ...rare.map((phrase) => `/${RARE_NUMBER_WEIGHT}/ ${phrase}`),
    ...asides.map((phrase) => `/${ASIDE_WEIGHT}/ ${phrase}`),
    `/${PHONE_WEIGHT}/ <phone>`,
  ].map((choice) => (choice.startsWith('/') ? choice : `/1/ ${choice}`));
  const phones = PHONES.map((phone) => PHONE_PREFIX + phone.toLowerCase());
  const tokens = new Set([...expected, ...rare, ...asides].flatMap((phrase) => phrase.split(' ')));
  return {
    name,
    jsgf: `#JSGF V1.0; grammar g; public <heard> = ( ${choices.join(' | ')} )+; <phone> = ${phones.join(' | ')};`,
    tokens: new Map([...tokens].map((token) => [token, token.replace(LETTER_PREFIX, '')])),
  };
}
