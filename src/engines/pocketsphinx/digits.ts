// Spoken digits as text.

const UNITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const TEENS = [
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
];
const TENS = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const ZEROS: Readonly<Record<string, string>> = { hundred: '00', thousand: '000' };
const TIMES: Readonly<Record<string, number>> = { double: 2, triple: 3 };
/** Words that a language model writes for a spoken digit. */
const SOUND_ALIKE: Readonly<Record<string, string>> = { o: '0', won: '1', to: '2', too: '2', for: '4', ate: '8' };

/** "five five double oh twenty two" → "550022"; other words are left out. */
export function digitsOf(words: readonly string[]): string {
  let digits = '';
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    const next = words[index + 1];
    const unit = unitOf(word);
    const tens = TENS.indexOf(word);
    if (unit !== undefined) digits += unit;
    else if (TEENS.includes(word)) digits += 10 + TEENS.indexOf(word);
    else if (word in ZEROS) digits += ZEROS[word];
    else if (word in TIMES && next !== undefined) {
      digits += (unitOf(next) ?? '').repeat(TIMES[word] as number);
      index++;
    } else if (tens !== -1) {
      const followed = next !== undefined && unitOf(next) !== undefined && unitOf(next) !== '0';
      digits += `${tens + 2}${followed ? unitOf(next) : '0'}`;
      if (followed) index++;
    }
  }
  return digits;
}

/** The share of the words that are digits; a word that only sounds like a digit counts half. */
export function digitShare(words: readonly string[]): number {
  const points = words.map((word) => (digitsOf([word]) !== '' || word in TIMES ? 1 : word in SOUND_ALIKE ? 0.5 : 0));
  return words.length === 0 ? 0 : points.reduce((sum: number, point) => sum + point, 0) / words.length;
}

function unitOf(word: string): string | undefined {
  if (word === 'oh') return '0';
  const index = UNITS.indexOf(word);
  return index === -1 ? undefined : String(index);
}
