// Where the next voice goes on after one that failed, and where the sound of that one is to be cut.
import type { PlacedWord } from './playout.ts';
import type { SpokenUnit } from './spoken-unit.ts';

/** A word is complete even if its end lies this far beyond the received sound, because times are rounded. */
const ROUNDING_MS = 5;
/** A word that lacks no more than this of its time is complete where the sound has gone quiet: the rest is the pause behind it. */
const QUIET_END_MS = 60;
/** A gap between two words that is located by their times may be this short; a speaker's pause is longer. */
const LEAST_GAP_MS = 10;
const LEAST_PAUSE_MS = 40;
/** Vendors may report a word's end before its sound ends: sound up to this long after it still belongs to the word. */
const LATE_END_MS = 200;

export interface ResumePoint {
  /** Index in the reply's text from which the next link speaks. */
  readonly to: number;
  /** Where the previous link's sound is cut, since its first sample. */
  readonly cutMs: number;
}

/** How much of a link session's sound was handed out and how much is held back; times are since its first sample. */
export interface HeldSound {
  readonly handedMs: number;
  readonly receivedMs: number;
  /** End of the first or last pause between two times within the held sound. */
  pauseEnd(which: 'first' | 'last', fromMs: number, toMs: number, leastMs: number): number | undefined;
  /** Whether the handed-out part ends while the voice still sounds. */
  readonly isTorn: boolean;
  /** Whether the voice sounds at the end of what was received. */
  readonly endsLoud: boolean;
}

export interface ResumeOptions {
  readonly unit: SpokenUnit;
  readonly wordTimes: 'exact' | 'estimated' | 'none';
  readonly sound: HeldSound;
}

/**
 * With exact times, resumes after the last word that is whole in the sound; a word that may be cut is repeated if none of it was
 * handed out. With other times, resumes at the start of the unfinished clause, so that nothing is lost; the clause's sound is cut
 * off if none of it was handed out yet.
 */
export function resumePoint({ unit, wordTimes, sound }: ResumeOptions): ResumePoint {
  if (wordTimes === 'exact' && unit.hasExactWords) return behindLastWord(unit, sound);
  const { words } = unit;
  const spoken = unit.hasExactWords ? (words[lastWhole(words, sound)]?.to ?? unit.from) : unit.from;
  const to = unit.clauses.findLast((clause) => clause.to <= spoken)?.to ?? unit.from;
  const startMs = words.findLast((word) => word.to <= to)?.endMs ?? unit.startMs;
  const { handedMs, receivedMs } = sound;
  if (startMs >= handedMs) return { to, cutMs: startMs };
  // The next link repeats the clause anyway, so its sound is cut between two words.
  const pauseMs =
    sound.pauseEnd('last', handedMs, receivedMs, LEAST_PAUSE_MS) ??
    sound.pauseEnd('last', handedMs, receivedMs, LEAST_GAP_MS);
  return { to, cutMs: pauseMs ?? (sound.isTorn ? receivedMs : handedMs) };
}

function lastWhole(words: readonly PlacedWord[], sound: HeldSound): number {
  const started = words.findIndex((word) => word.endMs > sound.receivedMs + ROUNDING_MS);
  const word = words[started];
  if (!word) return words.length - 1;
  return word.endMs <= sound.receivedMs + QUIET_END_MS && !sound.endsLoud ? started : started - 1;
}

function behindLastWord(unit: SpokenUnit, sound: HeldSound): ResumePoint {
  const { words } = unit;
  const { handedMs, receivedMs } = sound;
  const at = lastWhole(words, sound);
  const last = words[at];
  const next = words[at + 1];
  const beginMs = last?.endMs ?? unit.startMs;
  const to = last?.to ?? unit.from;
  if (next && next.startMs <= receivedMs) {
    return { to, cutMs: sound.pauseEnd('last', beginMs, next.startMs, LEAST_GAP_MS) ?? next.startMs };
  }
  // Word times may arrive after their sound: sound after the gap belongs to words that will be repeated.
  const gapMs = sound.pauseEnd('first', beginMs, receivedMs, LEAST_GAP_MS);
  if (gapMs !== undefined || !last) return { to, cutMs: gapMs ?? beginMs };
  // The last word sounds up to the end of the received sound, so it may be incomplete.
  if (handedMs > last.startMs + ROUNDING_MS) return { to, cutMs: Math.min(receivedMs, beginMs + LATE_END_MS) };
  const before = words[at - 1];
  const fromMs = before?.endMs ?? unit.startMs;
  const cutMs = sound.pauseEnd('last', fromMs, last.startMs, LEAST_GAP_MS) ?? last.startMs;
  return { to: before?.to ?? unit.from, cutMs };
}
