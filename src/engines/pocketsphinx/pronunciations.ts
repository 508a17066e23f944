// How words are said: from the dictionaries, or composed for words that they lack.
import { readFileSync } from 'node:fs';

const DICTIONARIES = ['en-us.dict', 'more-words.dict'];

/** Longest first; a rough English letter-to-sound table, good enough for a recogniser to tell a name from other words. */
const SOUNDS: readonly (readonly [string, string])[] = Object.entries({
  tion: 'SH AH N',
  ough: 'AO',
  igh: 'AY',
  sch: 'SH',
  tch: 'CH',
  ch: 'CH',
  ck: 'K',
  gh: 'G',
  gn: 'N',
  kn: 'N',
  ng: 'NG',
  ph: 'F',
  qu: 'K W',
  sh: 'SH',
  th: 'TH',
  wh: 'W',
  wr: 'R',
  ai: 'EY',
  ar: 'AA R',
  au: 'AO',
  aw: 'AO',
  ay: 'EY',
  ea: 'IY',
  ee: 'IY',
  er: 'ER',
  eu: 'UW',
  ew: 'UW',
  ey: 'IY',
  ie: 'IY',
  ir: 'ER',
  oa: 'OW',
  oi: 'OY',
  oo: 'UW',
  or: 'AO R',
  ou: 'AW',
  ow: 'OW',
  oy: 'OY',
  ur: 'ER',
  a: 'AE',
  b: 'B',
  c: 'K',
  d: 'D',
  e: 'EH',
  f: 'F',
  g: 'G',
  h: 'HH',
  i: 'IH',
  j: 'JH',
  k: 'K',
  l: 'L',
  m: 'M',
  n: 'N',
  o: 'OW',
  p: 'P',
  q: 'K',
  r: 'R',
  s: 'S',
  t: 'T',
  u: 'AH',
  v: 'V',
  w: 'W',
  x: 'K S',
  y: 'IY',
  z: 'Z',
});
const MIN_COMPOUND_PART = 3;

/** Reads the dictionaries anew each time, as keeping them would cost 10 MB for a handful of words. */
export class Pronunciations {
  readonly #known = new Map<string, readonly string[]>();

  /** At least one pronunciation for every word of letters; none for a word without letters. */
  of(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
    const missing = words.filter((word) => !this.#known.has(word));
    if (missing.length > 0) this.#look(missing);
    return new Map(words.map((word) => [word, this.#known.get(word) ?? []]));
  }

  #look(words: readonly string[]): void {
    const texts = DICTIONARIES.map(
      (name) => `\n${readFileSync(new URL(`./model/${name}`, import.meta.url), 'latin1')}`,
    );
    const find = (word: string) => texts.flatMap((text) => entriesOf(text, word));
    for (const word of words) {
      const found = find(word);
      this.#known.set(word, found.length > 0 ? found : composed(word, find));
    }
  }
}

function entriesOf(text: string, word: string): string[] {
  const found: string[] = [];
  for (let variant = 1; ; variant++) {
    const head = `\n${variant === 1 ? word : `${word}(${variant})`} `;
    const at = text.indexOf(head);
    if (at === -1) return found;
    found.push(text.slice(at + head.length, text.indexOf('\n', at + head.length)).trim());
  }
}

/** "smartwatch" from "smart" and "watch", "maple's" from "maple", else letter by letter. */
function composed(word: string, find: (part: string) => string[]): string[] {
  const possessive = /^(.+)'s$/.exec(word)?.[1];
  const owner = possessive && find(possessive)[0];
  if (owner) return [`${owner} Z`];
  for (let at = word.length - MIN_COMPOUND_PART; at >= MIN_COMPOUND_PART; at--) {
    const [head, tail] = [find(word.slice(0, at))[0], find(word.slice(at))[0]];
    if (head && tail) return [`${head} ${tail}`];
  }
  const sounds = soundsOf(word);
  return sounds ? [sounds] : [];
}

function soundsOf(word: string): string {
  // A final e is silent, a doubled consonant is one sound.
  const letters = word
    .normalize('NFD')
    .replace(/[^a-z]/g, '')
    .replace(/([bcdfgjklmnprstvz])\1/g, '$1')
    .replace(/(?<=[a-z]{2}[^aeiou])e$/, '');
  const sounds: string[] = [];
  for (let at = 0; at < letters.length; ) {
    const [spelling, sound] = SOUNDS.find(([candidate]) => letters.startsWith(candidate, at)) ?? [' ', ''];
    sounds.push(sound);
    at += spelling.length;
  }
  return sounds.join(' ');
}
