// How long each attempt may take: after the first of two waits another link helps, after the second the attempt has failed.
import type { Deadlines } from '../config/provider.ts';
import type { LatencySummary } from './latency.ts';
import type { Stage } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Source: spec of this project, "Help early, blame late". For stt, the waits for the first result and for a stall count heard speech;
 * stallMs of tts is audio left to play; stallMs of realtime counts from the end of the audio that was handed over.
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
  // Vendors may send the HTTP headers only with the first token, so the connection has no deadline.
  llm: {
    connectHelpMs: NEVER,
    connectMs: NEVER,
    firstHelpMs: 700,
    firstMs: 3_000,
    stallHelpMs: 700,
    stallMs: 1_500,
  },
  tts: { connectHelpMs: 700, connectMs: 1_500, firstHelpMs: 400, firstMs: 700, stallHelpMs: NEVER, stallMs: 150 },
  // A healthy handshake takes up to a second, including that of its session.
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

/** `clamp(3 × p95, floor, ceiling)`: failures of quick providers are noticed sooner, and no provider gets longer than its ceiling. */
export function learnedDeadlineMs(ceilingMs: number, measured: LatencySummary | undefined): number {
  if (!measured || measured.count < ENOUGH_RESULTS) return ceilingMs;
  return Math.max(ceilingMs * FLOOR, Math.min(ceilingMs, 3 * measured.p95));
}

const ENOUGH_FOR_HELP = 10;
/** Before anything was measured, the usual time counts as the median: nine in ten answers come within twice that. */
const TYPICAL_TO = { p90: 2, p95: 2.4 } as const;
/** Share of the deadline: help that started any later would not be in time. */
const LATEST_HELP = 0.7;

/** Milliseconds within which this share of a provider's results came, or usually comes where too few were measured. */
function usualMs(share: keyof typeof TYPICAL_TO, measured: LatencySummary | undefined, typicalMs: number): number {
  return measured && measured.count >= ENOUGH_FOR_HELP ? measured[share] : typicalMs * TYPICAL_TO[share];
}

/** Milliseconds after which the first result is late: nine in ten would have come by then, but no sooner than the stage says. */
export function learnedHelpMs(
  earliestMs: number,
  deadlineMs: number,
  measured: LatencySummary | undefined,
  typicalMs = 0,
): number {
  return Math.min(Math.max(earliestMs, usualMs('p90', measured, typicalMs)), deadlineMs * LATEST_HELP);
}

/** Share of the deadline: where nothing is learned, a link that is so late may have failed. */
export const VERY_LATE = 0.4;

/** At the 95th percentile itself, hedges beside healthy vendors would use up all of the 5 % that are allowed. */
const BEYOND_P95 = 1.1;

/** Milliseconds; a later result may never come: nineteen in twenty results of this provider would have come well before. */
export function slowestUsualMs(measured: LatencySummary | undefined, typicalMs = 0): number {
  return usualMs('p95', measured, typicalMs) * BEYOND_P95;
}

/** Milliseconds after which a first result is so late that its provider may have failed. */
export function learnedUrgentMs(deadlineMs: number, measured: LatencySummary | undefined, typicalMs = 0): number {
  return Math.max(deadlineMs * VERY_LATE, Math.min(slowestUsualMs(measured, typicalMs), deadlineMs * LATEST_HELP));
}
