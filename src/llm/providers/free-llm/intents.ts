// Which of a script's facts and actions an utterance asks for, in spite of misheard words.
import type { AssistantScript, ScriptAction, ScriptFact } from '../../../config/persona.ts';
import { wordSimilarity } from './similarity.ts';
import { contentWords, isCommon, wordsOf } from './text.ts';

export type Intent =
  | { readonly kind: 'fact'; readonly fact: ScriptFact; readonly score: number }
  | { readonly kind: 'action'; readonly action: ScriptAction; readonly score: number };

/** Share of a phrase that must be heard. Measured in test/llm/providers/free-llm/intents.test.ts on misheard and off-topic utterances. */
const THRESHOLD = 0.72;
/** The same for a phrase of one word, which matches by coincidence more easily. */
const THRESHOLD_ONE_WORD = 0.85;
/** Added to the score for each word of a phrase, so that of two phrases that fit equally well the longer one wins. */
const PER_WORD = 0.05;

/** A cache: scripts have few phrases, and each turn compares all of them. */
const phraseWords = new Map<string, readonly string[]>();

function wordsOfPhrase(phrase: string): readonly string[] {
  const known = phraseWords.get(phrase);
  if (known) return known;
  const words = contentWords(wordsOf(phrase));
  if (phraseWords.size >= 2000) phraseWords.clear();
  phraseWords.set(phrase, words);
  return words;
}

/**
 * How much of a key phrase occurs in an utterance, in any order: 0 to 1. A misheard word counts for less than a
 * clear one; words such as "the" count only in phrases that have no others.
 */
export function phraseScore(phrase: string, utteranceWords: readonly string[]): number {
  const wanted = wordsOfPhrase(phrase);
  if (wanted.length === 0 || utteranceWords.length === 0) return 0;
  // A misheard "are" must not match a phrase that is only "area"; in a phrase with other words it may.
  const heard =
    wanted.length === 1 ? utteranceWords.filter((word) => !isCommon(word) || word === wanted[0]) : utteranceWords;
  let score = 0;
  let weight = 0;
  for (const word of wanted) {
    // Long words are surer evidence than short ones.
    const worth = Math.min(word.length, 8);
    weight += worth;
    score += worth * bestMatch(word, heard);
  }
  return score / weight;
}

function bestMatch(word: string, candidates: readonly string[]): number {
  let best = 0;
  candidates.forEach((candidate, index) => {
    best = Math.max(best, wordSimilarity(word, candidate));
    // Two heard words may be one of the phrase: "voice mail" for "voicemail".
    const next = candidates[index + 1];
    if (best < 0.9 && next !== undefined && word.length >= 6)
      best = Math.max(best, wordSimilarity(word, candidate + next));
  });
  return best;
}

/** The phrase with the best score, and that score with a little more for each word of the phrase; 0 = none fits. */
export function bestPhrase(phrases: readonly string[], text: string): { score: number; phrase: string } {
  const words = wordsOf(text);
  let best = { score: 0, phrase: '' };
  for (const phrase of phrases) {
    const length = wordsOfPhrase(phrase).length;
    const score = phraseScore(phrase, words);
    if (score < (length === 1 ? THRESHOLD_ONE_WORD : THRESHOLD)) continue;
    const ranked = score + PER_WORD * length;
    if (ranked > best.score) best = { score: ranked, phrase };
  }
  return best;
}

/** The fact or action that fits an utterance best; undefined where none does. */
export function intentOf(script: AssistantScript, text: string): Intent | undefined {
  let best: Intent | undefined;
  for (const action of script.actions) {
    const { score } = bestPhrase(action.when, text);
    if (score > (best?.score ?? 0)) best = { kind: 'action', action, score };
  }
  for (const fact of script.facts) {
    const { score } = bestPhrase(fact.when, text);
    if (score > (best?.score ?? 0)) best = { kind: 'fact', fact, score };
  }
  return best;
}
