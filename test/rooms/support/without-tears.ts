// Words as they were said, where a busy machine tore one in two on its way.
import type { Word } from '../../../fixtures/tones.ts';

/** A receiver that runs dry tears one word of 240 ms in two; a word that was spoken twice is longer together. */
const TORN_WORD_MS = 400;

/** With how much of it sounded, whatever lay between the pieces. */
export type WholeWord = Word & { soundMs: number };

export function withoutTears(words: readonly Word[]): WholeWord[] {
  const whole: WholeWord[] = [];
  for (const word of words) {
    const soundMs = word.endMs - word.startMs;
    const last = whole.at(-1);
    if (last?.index === word.index && last.soundMs + soundMs < TORN_WORD_MS) last.soundMs += soundMs;
    else whole.push({ ...word, soundMs });
  }
  return whole;
}
