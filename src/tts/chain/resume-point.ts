// Where the next voice goes on after one that failed, and where the sound of that one is to be cut.
import type { PlacedWord } from './playout.ts';
import type { SpokenUnit } from './spoken-unit.ts';

/** A word whose end is so much beyond the sound is complete all the same: times are rounded. */
const ROUNDING_MS = 5;
/** The gap between two words, by their times, may be short; a pause of a speaker is not. */
const LEAST_GAP_MS = 10;
const LEAST_PAUSE_MS = 40;
/** Vendors may tell a word's end before its sound ends: what follows it for so long is its own. */
const LATE_END_MS = 200;

export interface ResumePoint {
  /** In the reply's text. */
  readonly to: number;
  /** Where the sound ends, since the source's first sample. */
  readonly cutMs: number;
}

/** What is held of the source's sound; times are since its first sample. */
export interface HeldSound {
  readonly handedMs: number;
  readonly receivedMs: number;
  /** Where the first or the last pause between two moments of what is held ends. */
  pauseEnd(which: 'first' | 'last', fromMs: number, toMs: number, leastMs: number): number | undefined;
  /** Whether what was handed out ends in the midst of a sound. */
  readonly isTorn: boolean;
}

export interface ResumeOptions {
  readonly unit: SpokenUnit;
  readonly wordTimes: 'exact' | 'estimated' | 'none';
  readonly sound: HeldSound;
}

/**
 * With exact times: behind the last word that is whole in the sound; one that may be cut is said again where nothing of it was
 * heard. With others: at the clause that was started, as nothing may be lost; its beginning is cut off where it was not handed
 * out yet.
 */
export function resumePoint({ unit, wordTimes, sound }: ResumeOptions): ResumePoint {
  if (wordTimes === 'exact' && unit.hasExactWords) return behindLastWord(unit, sound);
  const { words } = unit;
  const spoken = unit.hasExactWords ? (words[lastWhole(words, sound)]?.to ?? unit.from) : unit.from;
  const to = unit.clauses.findLast((clause) => clause.to <= spoken)?.to ?? unit.from;
  const startMs = words.findLast((word) => word.to <= to)?.endMs ?? unit.startMs;
  const { handedMs, receivedMs } = sound;
  if (startMs >= handedMs) return { to, cutMs: startMs };
  // It is said again anyway: what the caller hears of it now ends between two words.
  const pauseMs =
    sound.pauseEnd('last', handedMs, receivedMs, LEAST_PAUSE_MS) ??
    sound.pauseEnd('last', handedMs, receivedMs, LEAST_GAP_MS);
  return { to, cutMs: pauseMs ?? (sound.isTorn ? receivedMs : handedMs) };
}

function lastWhole(words: readonly PlacedWord[], { receivedMs }: HeldSound): number {
  const started = words.findIndex(({ endMs }) => endMs > receivedMs + ROUNDING_MS);
  return (started === -1 ? words.length : started) - 1;
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
  // Times of words may come behind their sound: what follows the gap belongs to words that are said again.
  const gapMs = sound.pauseEnd('first', beginMs, receivedMs, LEAST_GAP_MS);
  if (gapMs !== undefined || !last) return { to, cutMs: gapMs ?? beginMs };
  // It sounds to the very end, so it may be cut.
  if (handedMs > last.startMs + ROUNDING_MS) return { to, cutMs: Math.min(receivedMs, beginMs + LATE_END_MS) };
  const before = words[at - 1];
  const fromMs = before?.endMs ?? unit.startMs;
  const cutMs = sound.pauseEnd('last', fromMs, last.startMs, LEAST_GAP_MS) ?? last.startMs;
  return { to: before?.to ?? unit.from, cutMs };
}
