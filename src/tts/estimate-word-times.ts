// Where each word of a clause lies in its audio, for engines that do not say: by its length.
import type { TtsPart } from './contract.ts';

/** Letters added to each word's length, because even a short word takes time. */
const WORD_WEIGHT = 2;

/** Returns the clause's words as written, each with a space after it, with times spread over the clause's audio. */
export function estimateWordTimes(
  clause: string,
  startMs: number,
  endMs: number,
): Extract<TtsPart, { type: 'word' }>[] {
  const words = clause.match(/\S+/g) ?? [];
  const weights = words.map((word) => word.replace(/[^\p{L}\p{N}]/gu, '').length + WORD_WEIGHT);
  const total = weights.reduce((a, b) => a + b, 0);
  let atMs = startMs;
  return words.map((word, i) => {
    const from = atMs;
    atMs += ((endMs - startMs) * (weights[i] as number)) / total;
    return { type: 'word', text: `${word} `, startMs: from, endMs: atMs };
  });
}
