// What an interim or a final is to another: later, further, partly said already.
import type { SttPart, SttWord } from '../contract.ts';

export type SttWords = Extract<SttPart, { readonly text: string }>;

/** Two recognisers may place the same word this far apart. */
const SAME_WORD_MS = 150;

/** An `endMs` of 0 means that the times are unknown. */
export const hasTimes = ({ endMs }: SttWords) => endMs > 0;

export const countWords = ({ text }: SttWords) => text.split(/\s+/).filter(Boolean).length;

/** Whether `words` contains speech after the last word of `other`. */
export function reachesBeyond(words: SttWords, other: SttWords | undefined): boolean {
  if (words.text === '') return false;
  if (!other) return true;
  if (hasTimes(words) && hasTimes(other)) return words.endMs > other.endMs + SAME_WORD_MS;
  return countWords(words) > countWords(other);
}

/** The rest of `words` after the beginning that the final `said` covers; undefined where nothing is left. */
export function without(words: SttWords, said: SttWords): SttWords | undefined {
  if (!reachesBeyond(words, said)) return undefined;
  if (words.words.length > 0 && hasTimes(said)) {
    const rest = words.words.filter(({ startMs, endMs }) => (startMs + endMs) / 2 > said.endMs);
    return rest.length === 0 ? undefined : { ...words, ...placed(rest), words: rest };
  }
  const rest = words.text.split(/\s+/).filter(Boolean).slice(countWords(said));
  return rest.length === 0 ? undefined : { ...words, text: rest.join(' '), startMs: said.endMs, words: [] };
}

function placed(words: readonly SttWord[]) {
  const [first, last] = [words[0] as SttWord, words.at(-1) as SttWord];
  return { text: words.map(({ text }) => text).join(' '), startMs: first.startMs, endMs: last.endMs };
}

/** Puts times on the stream's clock: a session counts from its own first sample. Unknown times of words stay 0. */
export function shift(part: SttPart, offsetMs: number): SttPart {
  if (offsetMs === 0) return part;
  if ('atMs' in part) return { ...part, atMs: part.atMs + offsetMs };
  if (!hasTimes(part)) return part;
  return {
    ...part,
    startMs: part.startMs + offsetMs,
    endMs: part.endMs + offsetMs,
    words: part.words.map((word) => ({ ...word, startMs: word.startMs + offsetMs, endMs: word.endMs + offsetMs })),
  };
}
