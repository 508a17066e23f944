// Which of a script's facts and actions an utterance asks for, in spite of misheard words.
import type { AssistantScript, ScriptAction, ScriptFact } from '../../../config/persona.ts';
import { wordSimilarity } from './similarity.ts';
import { contentWords, isCommon, wordsOf } from './text.ts';

export type Intent =
  | { readonly kind: 'fact'; readonly fact: ScriptFact; readonly score: number }
  | { readonly kind: 'action'; readonly action: ScriptAction; readonly score: number };

/** Share of a phrase that must be heard. Measured in test/llm/intents.test.ts on misheard and on foreign utterances. */
const THRESHOLD = 0.72;
/** A phrase of one word is a coincidence more easily. */
const THRESHOLD_ONE_WORD = 0.85;
/** So much must a second intent lie behind in heard words for the first to be taken without its order in the script. */
const PER_WORD = 0.05;

/** The phrases of scripts are few and asked for at every turn. */
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
 * How much of a key phrase stands in an utterance, in any order: 0 to 1. A misheard word counts for less than a
 * clear one; words such as "the" count only in phrases that have no others.
 */
export function phraseScore(phrase: string, utteranceWords: readonly string[]): number {
  const wanted = wordsOfPhrase(phrase);
  if (wanted.length === 0 || utteranceWords.length === 0) return 0;
  // On its own a misheard "are" must not make an "area"; among other words of the phrase it may.
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
    // "voice mail" for "voicemail", and the other way about.
    const next = candidates[index + 1];
    if (best < 0.9 && next !== undefined && word.length >= 6)
      best = Math.max(best, wordSimilarity(word, candidate + next));
  });
  return best;
}

/** The best score of any of the phrases, with a little more for phrases of which more words were heard; 0 = none fits. */
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
