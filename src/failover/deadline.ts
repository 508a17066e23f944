// How long each attempt may take: after the first of two waits it gets help, after the second it is judged a failure.
import type { Deadlines } from '../config/provider.ts';
import type { LatencySummary } from './latency.ts';
import type { Stage } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Source: spec of this project, "Help early, blame late". The first result and the stall of stt are in heard speech; stallMs of tts is
 * audio left to play, that of realtime counts from the end of the audio that was handed over.
 */
export const STAGE_DEADLINES: Readonly<Record<Stage, Deadlines>> = {
  stt: {
    connectHelpMs: 700,
    connectMs: 1_500,
    firstHelpMs: 700,
    firstMs: 1_800,
    stallHelpMs: 1_200,
    stallMs: 1_800,
  },
  // Vendors may send the HTTP headers with the first token, so a connection is not judged by them.
  llm: {
    connectHelpMs: NEVER,
    connectMs: NEVER,
    firstHelpMs: 700,
    firstMs: 3_000,
    stallHelpMs: 700,
    stallMs: 1_500,
  },
  tts: { connectHelpMs: 700, connectMs: 1_500, firstHelpMs: 400, firstMs: 700, stallHelpMs: NEVER, stallMs: 150 },
  // A healthy handshake with its session takes up to a second.
  realtime: {
    connectHelpMs: 1_000,
    connectMs: 5_000,
    firstHelpMs: 1_500,
    firstMs: 4_000,
    stallHelpMs: NEVER,
    stallMs: 2_000,
  },
};

/** Below half of the stage's own deadline a busy moment would look like an outage. */
const FLOOR = 0.5;
const ENOUGH_RESULTS = 20;

/** `clamp(3 × p95, floor, ceiling)`: quick providers are found out sooner, none gets longer than its ceiling. */
export function learnedDeadlineMs(ceilingMs: number, measured: LatencySummary | undefined): number {
  if (!measured || measured.count < ENOUGH_RESULTS) return ceilingMs;
  return Math.max(ceilingMs * FLOOR, Math.min(ceilingMs, 3 * measured.p95));
}

const ENOUGH_FOR_HELP = 10;
/** Before anything was measured, a usual time is a median: nine in ten answers come within twice that. */
const TYPICAL_TO = { p90: 2, p95: 2.4 } as const;
/** Help that came any later would not be in time. */
const LATEST_HELP = 0.7;

/** By when such a part of a provider's results came, or would usually. */
function usualMs(share: keyof typeof TYPICAL_TO, measured: LatencySummary | undefined, typicalMs: number): number {
  return measured && measured.count >= ENOUGH_FOR_HELP ? measured[share] : typicalMs * TYPICAL_TO[share];
}

/** When the first result counts as late: when nine in ten would have come, but no sooner than the stage says. */
export function learnedHelpMs(
  earliestMs: number,
  deadlineMs: number,
  measured: LatencySummary | undefined,
  typicalMs = 0,
): number {
  return Math.min(Math.max(earliestMs, usualMs('p90', measured, typicalMs)), deadlineMs * LATEST_HELP);
}

/** Of the wait after which it is judged: where nothing is learned, whoever is so late may have failed. */
export const VERY_LATE = 0.4;

/** At the 95th percentile itself the help of healthy vendors would be the whole of its 5 %. */
const BEYOND_P95 = 1.1;

/** What is later than this may never come: nineteen in twenty results of this provider would have come well before. */
export function slowestUsualMs(measured: LatencySummary | undefined, typicalMs = 0): number {
  return usualMs('p95', measured, typicalMs) * BEYOND_P95;
}

/** When a first result is so late that its provider may have failed. */
export function learnedUrgentMs(deadlineMs: number, measured: LatencySummary | undefined, typicalMs = 0): number {
  return Math.max(deadlineMs * VERY_LATE, Math.min(slowestUsualMs(measured, typicalMs), deadlineMs * LATEST_HELP));
}
