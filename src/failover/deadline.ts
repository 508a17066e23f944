// How long each attempt may take: from data at first, then from what was measured.
import type { LatencySummary } from './latency.ts';
import type { Stage } from './settings.ts';

/** Milliseconds from the start of an attempt (connect), from the work given (first), between results (stall). */
export interface Deadlines {
  readonly connectMs: number;
  readonly firstMs: number;
  readonly stallMs: number;
}

/** Source: spec of this project, "Deadlines that fit the provider"; stallMs of tts and realtime is audio left to play. */
export const STAGE_DEADLINES: Readonly<Record<Stage, Deadlines>> = {
  stt: { connectMs: 1_000, firstMs: 700, stallMs: 900 },
  llm: { connectMs: 1_000, firstMs: 1_500, stallMs: 700 },
  tts: { connectMs: 800, firstMs: 700, stallMs: 150 },
  realtime: { connectMs: 1_500, firstMs: 1_500, stallMs: 150 },
};

/** Below half of the stage's own deadline a busy moment would look like an outage. */
const FLOOR = 0.5;
const ENOUGH_RESULTS = 20;

/** `clamp(3 × p95, floor, ceiling)`: quick providers are found out sooner, none gets longer than its ceiling. */
export function learnedDeadlineMs(ceilingMs: number, measured: LatencySummary | undefined): number {
  if (!measured || measured.count < ENOUGH_RESULTS) return ceilingMs;
  return Math.max(ceilingMs * FLOOR, Math.min(ceilingMs, 3 * measured.p95));
}
