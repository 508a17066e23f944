// Finds where a word ends: the first stretch of quiet.
import { type Pause, type PauseOptions, QUIET_DBFS, STEP_MS } from './last-pause.ts';
import { levelDbfs } from './voiced-spans.ts';

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
