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
/** Prefix of the tokens of the phone loop. */
export const PHONE_PREFIX = '_';
export const LETTER_PREFIX = 'letter_';

/**
 * How likely one phone of other speech is beside an expected word: a lower weight lets more sounds pass as answers. Recorded
 * human digits need 1e-8 to be accepted; what else passes then is found by comparison with the open search (see interpret).
 */
const PHONE_WEIGHTS = { 'yes-no': 1e-5, digits: 1e-8, spelling: 1e-5, phrases: 1e-4 } as const;
const ASIDE_WEIGHT = 0.05;

const UNITS = 'zero oh one two three four five six seven eight nine'.split(' ');
const TENS = 'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const MULTIPLES = 'twenty thirty forty fifty sixty seventy eighty ninety hundred thousand'.split(' ');
const RARE_NUMBER_WEIGHT = 0.001;

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
const DIGIT_LEADS = ['my number is', 'the number is', 'it is', "it's", 'area code', 'please', 'thank you', 'um', 'and'];
const SPELLING_LEADS = ['my name is', 'it is', "it's", 'that is', "that's", 'um', 'yes', 'sure', 'okay'];
const TAILS = ['please', 'thank you'];

/** Undefined for `open`, and for phrases without any words. */
export function grammarFor(expectation: SpeechExpectation): Grammar | undefined {
  switch (expectation.kind) {
    case 'open':
      return undefined;
    case 'yes-no':
      return loop('yes-no', PHONE_WEIGHTS['yes-no'], [...AGREEING, ...REFUSING], []);
    case 'digits':
      return loop('digits', PHONE_WEIGHTS.digits, [...UNITS, 'double', 'triple'], DIGIT_LEADS, [...TENS, ...MULTIPLES]);
    case 'spelling':
      return loop(
        'spelling',
        PHONE_WEIGHTS.spelling,
        [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => LETTER_PREFIX + letter).concat('double'),
        SPELLING_LEADS,
      );
    case 'phrases': {
      const phrases = expectation.phrases.map((phrase) => spokenWords(phrase).join(' ')).filter(Boolean);
      return phrases.length > 0 ? loop(`phrases:${phrases.join('|')}`, PHONE_WEIGHTS.phrases, phrases, []) : undefined;
    }
  }
}

/** Accepts the expected phrases in any number and order; `leads` only before them, so that they don't pass as part of the answer. */
function loop(
  name: string,
  phoneWeight: number,
  expected: readonly string[],
  leads: readonly string[],
  rare: readonly string[] = [],
): Grammar {
  // PocketSphinx scales the weights of each group to a sum of one, so a phone must weigh less where the group does.
  const leadPhoneWeight = (phoneWeight * leads.length * ASIDE_WEIGHT) / expected.length;
  const weighted = (weight: number, phrases: readonly string[]) =>
    phrases.map((phrase) => `/${weight.toFixed(12)}/ ${phrase}`);
  const answer = [
    ...weighted(1, expected),
    ...weighted(RARE_NUMBER_WEIGHT, rare),
    ...weighted(phoneWeight, ['<phone>']),
  ];
  const lead = [...weighted(ASIDE_WEIGHT, leads), ...weighted(leadPhoneWeight, ['<phone>'])];
  const phones = PHONES.map((name) => PHONE_PREFIX + name.toLowerCase());
  const tails = leads.length > 0 ? TAILS : [];
  const heard = [
    ...(leads.length > 0 ? [`( ${lead.join(' | ')} )*`] : []),
    `( ${answer.join(' | ')} )+`,
    ...(tails.length > 0 ? [`[ ${tails.join(' | ')} ]`] : []),
  ];
  const tokens = new Set([...expected, ...rare, ...leads, ...tails].flatMap((phrase) => phrase.split(' ')));
  return {
    name,
    jsgf: `#JSGF V1.0; grammar g; public <heard> = ${heard.join(' ')}; <phone> = ${phones.join(' | ')};`,
    tokens: new Map([...tokens].map((token) => [token, token.replace(LETTER_PREFIX, '')])),
  };
}
