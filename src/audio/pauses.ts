// Finds where sound may be cut: the first or the last span of quiet.
import { levelDbfs } from './voiced-spans.ts';

const STEP_MS = 5;
/** Level of a gap between words; breath and room noise lie below it. */
const QUIET_DBFS = -45;

export interface PauseOptions {
  readonly sampleRateHz: number;
  /** Shorter pauses lie within words. */
  readonly leastMs: number;
  /** Sample indices between which the pause lies. */
  readonly from: number;
  readonly to: number;
}

/** Half-open range of sample indices. */
export interface Pause {
  readonly start: number;
  readonly end: number;
}

/** Undefined where there is none. */
export function firstPause(samples: Int16Array, { sampleRateHz, leastMs, from, to }: PauseOptions): Pause | undefined {
  const step = Math.max(1, Math.round((sampleRateHz * STEP_MS) / 1000));
  const least = (sampleRateHz * leastMs) / 1000;
  let start: number | undefined;
  for (let at = from; ; at += step) {
    const isQuiet = at < to && levelDbfs(samples, at, Math.min(to, at + step)) <= QUIET_DBFS;
    if (isQuiet) {
      start ??= at;
      continue;
    }
    const end = Math.min(to, at);
    if (start !== undefined && end - start >= least) return { start, end };
    if (at >= to) return undefined;
    start = undefined;
  }
}

/** Undefined where there is none. */
export function lastPause(samples: Int16Array, { sampleRateHz, leastMs, from, to }: PauseOptions): Pause | undefined {
  const step = Math.max(1, Math.round((sampleRateHz * STEP_MS) / 1000));
  const least = (sampleRateHz * leastMs) / 1000;
  let end: number | undefined;
  for (let at = to; ; at -= step) {
    const isQuiet = at > from && levelDbfs(samples, Math.max(from, at - step), at) <= QUIET_DBFS;
    if (isQuiet) {
      end ??= at;
      continue;
    }
    const start = Math.max(from, at);
    if (end !== undefined && end - start >= least) return { start, end };
    if (at <= from) return undefined;
    end = undefined;
  }
}
