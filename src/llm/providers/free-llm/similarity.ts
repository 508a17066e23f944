// How alike two words sound or look, so that a misheard word still counts.
import { stem } from './text.ts';

/**
 * A rough key of how an English word sounds: what a recogniser mixes up gets the same letter, vowels after the
 * first letter are left out. "hours" and "ours", "price" and "prize" have the same key.
 */
export function soundKey(word: string): string {
  const letters = word
    .replace(/'/g, '')
    .replace(/^(?:kn|gn|pn)/, 'n')
    .replace(/^wr/, 'r')
    .replace(/^wh/, 'w')
    .replace(/^h(?=[aeiou])/, '')
    .replace(/ph/g, 'f')
    .replace(/tch|ch|sh|ti(?=on)|ci(?=a)/g, 'x')
    .replace(/ght/g, 't')
    .replace(/gh/g, '')
    .replace(/ck|q/g, 'k')
    .replace(/c(?=[eiy])/g, 's')
    .replace(/dg(?=e)|g(?=[ei])|j/g, 'j')
    .replace(/th/g, 't');
  const coded = letters
    .replace(/[cg]/g, 'k')
    .replace(/[bp]/g, 'p')
    .replace(/[dt]/g, 't')
    .replace(/[sz]/g, 's')
    .replace(/[fv]/g, 'f')
    .replace(/x/g, 'x')
    .replace(/[mn]/g, 'n');
  const first = /^[aeiouy]/.test(coded) ? 'a' : (coded[0] ?? '');
  const rest = coded.slice(1).replace(/[aeiouywh]/g, '');
  return (first + rest).replace(/(.)\1+/g, '$1');
}

/** Damerau-Levenshtein distance (adjacent letters swapped count once). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + cost);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

const cache = new Map<string, number>();
const CACHE_SIZE = 5000;

/** 1 for the same word, 0.6 to 0.95 for one that is likely to be it misheard, else 0. */
export function wordSimilarity(a: string, b: string): number {
  if (a === b) return 1;
  const key = a < b ? `${a} ${b}` : `${b} ${a}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const similarity = computeSimilarity(stem(a), stem(b));
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(key, similarity);
  return similarity;
}

function computeSimilarity(a: string, b: string): number {
  if (a === b) return 0.95;
  const shorter = Math.min(a.length, b.length);
  // Short words have too many neighbours: only sound-alikes such as "hour" and "our" count.
  if (shorter < 3) return 0;
  const looks = 1 - editDistance(a, b) / Math.max(a.length, b.length);
  const [soundA, soundB] = [soundKey(a), soundKey(b)];
  // "battery" and "peter" have the same key too, so the letters must be alike as well.
  if (soundA === soundB && soundA.length >= 2 && looks >= 0.5) return shorter >= 4 || looks >= 0.65 ? 0.9 : 0;
  if (shorter < 4) return 0;
  const sounds = 1 - editDistance(soundA, soundB) / Math.max(soundA.length, soundB.length);
  const alike = Math.max(looks, soundA.length >= 4 && soundB.length >= 4 ? (sounds + looks) / 2 : 0);
  return alike >= 0.7 ? alike * 0.9 : 0;
}
