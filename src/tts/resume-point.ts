// Where the next voice goes on after one that failed, and where the sound of that one is to be cut.
import type { SpokenUnit } from './spoken-unit.ts';

/** A word whose end is so much beyond the sound is complete all the same: times are rounded. */
const ROUNDING_MS = 5;
/** The gap between two words, by their times, may be short; a pause of a speaker is not. */
const LEAST_GAP_MS = 10;
const MOST_GAP_MS = 120;
const LEAST_PAUSE_MS = 40;

export interface ResumePoint {
  /** In the reply's text. */
  readonly to: number;
  /** The cut lies between these, since the source's first sample, in a pause of at least so long where there is one. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly leastPauseMs: number;
}

export interface ResumeOptions {
  readonly unit: SpokenUnit;
  readonly wordTimes: 'exact' | 'estimated' | 'none';
  /** What was handed out and what was received of the source's sound. */
  readonly handedMs: number;
  readonly receivedMs: number;
}

/**
 * With exact times: behind the last word that is completely in the sound. With others: at the clause that was started, as
 * nothing may be lost; its beginning is cut off where it was not handed out yet.
 */
export function resumePoint({ unit, wordTimes, handedMs, receivedMs }: ResumeOptions): ResumePoint {
  const { words } = unit;
  const started = words.findIndex(({ endMs }) => endMs > receivedMs + ROUNDING_MS);
  const last = words[(started === -1 ? words.length : started) - 1];
  if (wordTimes === 'exact' && unit.hasExactWords) {
    const beginMs = last?.endMs ?? unit.startMs;
    // Times of words may come behind their sound: then what follows the gap belongs to words that are said again.
    const toMs = words[started]?.startMs ?? Math.min(receivedMs, beginMs + MOST_GAP_MS);
    return { to: last?.to ?? unit.from, fromMs: beginMs, toMs, leastPauseMs: LEAST_GAP_MS };
  }
  const spoken = unit.hasExactWords ? (last?.to ?? unit.from) : unit.from;
  const clause = unit.clauses.findLast(({ to }) => to <= spoken);
  const to = clause?.to ?? unit.from;
  const before = words.findLast((word) => word.to <= to);
  const startMs = before?.endMs ?? unit.startMs;
  if (startMs >= handedMs) return { to, fromMs: startMs, toMs: startMs, leastPauseMs: LEAST_PAUSE_MS };
  return { to, fromMs: handedMs, toMs: receivedMs, leastPauseMs: LEAST_PAUSE_MS };
}
