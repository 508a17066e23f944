// Spoken numbers: digits out of words, and digits into groups that can be spoken.
import { wordsOf } from './text.ts';

const UNITS: Readonly<Record<string, string>> = {
  zero: '0',
  nought: '0',
  one: '1',
  two: '2',
  three: '3',
  four: '4',
  five: '5',
  six: '6',
  seven: '7',
  eight: '8',
  nine: '9',
  niner: '9',
  ten: '10',
  eleven: '11',
  twelve: '12',
  thirteen: '13',
  fourteen: '14',
  fifteen: '15',
  sixteen: '16',
  seventeen: '17',
  eighteen: '18',
  nineteen: '19',
};
const TENS: Readonly<Record<string, string>> = {
  twenty: '2',
  thirty: '3',
  forty: '4',
  fifty: '5',
  sixty: '6',
  seventy: '7',
  eighty: '8',
  ninety: '9',
};
/** Words that count as digits only among digits. */
const SOUND_ALIKE: Readonly<Record<string, string>> = {
  oh: '0',
  o: '0',
  owe: '0',
  won: '1',
  to: '2',
  too: '2',
  tree: '3',
  free: '3',
  for: '4',
  fore: '4',
  fife: '5',
  hive: '5',
  sicks: '6',
  ate: '8',
  nein: '9',
  mine: '9',
};
const TIMES: Readonly<Record<string, number>> = { double: 2, triple: 3, treble: 3 };

type Token = { readonly digits: string; readonly sure: boolean };

/** The digits of an utterance: "double five five, oh one forty two" → "5550142"; "" where there are none. */
export function digitsIn(text: string): string {
  const tokens = tokensOf(wordsOf(text));
  const digitLike = tokens.filter((token) => token !== undefined).length;
  const mostlyDigits = digitLike * 2 > tokens.length;
  return tokens
    .map((token, index) => {
      if (token === undefined) return '';
      const amongDigits = tokens[index - 1]?.sure === true && tokens[index + 1]?.sure === true;
      return token.sure || amongDigits || (mostlyDigits && digitLike > 1) ? token.digits : '';
    })
    .join('');
}

function tokensOf(words: readonly string[]): (Token | undefined)[] {
  const tokens: (Token | undefined)[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const next = words[index + 1] ?? '';
    const times = TIMES[word];
    const repeated = UNITS[next] ?? SOUND_ALIKE[next] ?? (/^\d$/.test(next) ? next : undefined);
    const tens = TENS[word];
    const unit = UNITS[next];
    if (times !== undefined && repeated !== undefined) {
      tokens.push({ digits: repeated.repeat(times), sure: true });
      index++;
    } else if (tens !== undefined) {
      const withUnit = unit !== undefined && unit.length === 1 && unit !== '0';
      tokens.push({ digits: tens + (withUnit ? unit : '0'), sure: true });
      if (withUnit) index++;
    } else {
      tokens.push(single(word, next));
      if (UNITS[word] !== undefined && (next === 'hundred' || next === 'thousand')) index++;
    }
  }
  return tokens;
}

function single(word: string, next: string): Token | undefined {
  if (/^\d+$/.test(word)) return { digits: word, sure: true };
  const unit = UNITS[word];
  if (unit !== undefined) {
    const zeros = next === 'hundred' ? '00' : next === 'thousand' ? '000' : '';
    return { digits: unit + zeros, sure: true };
  }
  const alike = SOUND_ALIKE[word];
  return alike === undefined ? undefined : { digits: alike, sure: false };
}

/** Digits as they are best spoken, in groups of three with four at the end: "5550142" → "5 5 5, 0 1 4 2". */
export function speakDigits(digits: string): string {
  return groupsOf(digits)
    .map((group) => [...group].join(' '))
    .join(', ');
}

function groupsOf(digits: string): string[] {
  if (digits.length <= 4) return [digits];
  // A country code of one digit stands alone: 1, 5 5 5, …
  if (digits.length === 11 && digits.startsWith('1')) return ['1', ...groupsOf(digits.slice(1))];
  const groups: string[] = [];
  let rest = digits;
  while (rest.length > 4) {
    const size = rest.length === 5 ? 2 : 3;
    groups.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return [...groups, rest];
}
