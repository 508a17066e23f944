// Two boards that saw a provider at the same time: which of what they know holds.
import type { BreakerState } from '../failover/breaker.ts';
import type { Health } from '../failover/health.ts';

/**
 * A successful call outweighs every failure before it, whichever board saw them; otherwise the worse state holds until its time
 * is over. Latencies are those of `own`, where it has any. Both states are on one clock.
 */
export function mergeHealth(own: Health, other: Health): Health {
  const merged = worseOf(own, other);
  return {
    ...merged,
    wellSinceMs: Math.max(own.wellSinceMs, other.wellSinceMs),
    provenMs: Math.max(own.provenMs, other.provenMs),
    lastFailure: failedMs(own) >= failedMs(other) ? own.lastFailure : other.lastFailure,
    lastCheckMs: latest(own.lastCheckMs, other.lastCheckMs),
    connect: own.connect ?? other.connect,
    first: own.first ?? other.first,
  };
}

function worseOf(own: Health, other: Health): Health {
  // If both know of the same failure, a board's success is compared with that board's own time of the failure.
  const isSame = isSameFailure(own, other);
  const isProvenThere = other.provenMs > failedMs(isSame ? other : own);
  const isProvenHere = own.provenMs > failedMs(isSame ? own : other);
  const isLess = severity(other.breaker) < severity(own.breaker);
  if (isProvenThere && (other.provenMs > own.provenMs || (isLess && isAbout(other.provenMs, own.provenMs)))) {
    return withTrials(other, own);
  }
  if (isProvenHere) return own;
  return {
    ...own,
    breaker: worseBreaker(own, other),
    suspect: worseSuspect(own, other),
    blocked: (own.blocked?.untilMs ?? 0) >= (other.blocked?.untilMs ?? 0) ? own.blocked : other.blocked,
    failuresInRow: Math.max(own.failuresInRow, other.failuresInRow),
  };
}

/** `health` with the trials of the second state: each board counts its own trials. */
function withTrials(health: Health, { breaker, suspect }: Health): Health {
  const trials = breaker.kind === 'half-open' ? breaker.trials : 0;
  return {
    ...health,
    breaker: health.breaker.kind === 'half-open' ? { ...health.breaker, trials } : health.breaker,
    suspect: health.suspect && { ...health.suspect, trials: suspect?.trials ?? 0 },
  };
}

function worseBreaker(own: Health, other: Health): BreakerState {
  const [mine, theirs] = [own.breaker, other.breaker];
  // A breaker that is open until something changes is mended: a check elsewhere has passed since.
  if (isOpenForGood(mine) && isCheckedSince(own, other)) return withTrials(other, own).breaker;
  if (isOpenForGood(theirs) && isCheckedSince(other, own)) return mine;
  if (mine.kind === 'open' && theirs.kind === 'open') return theirs.untilMs > mine.untilMs ? theirs : mine;
  if (mine.kind === 'closed' && theirs.kind === 'closed') return theirs.failures > mine.failures ? theirs : mine;
  if (severity(theirs) <= severity(mine)) return mine;
  return theirs.kind === 'half-open' ? { ...theirs, trials: 0 } : theirs;
}

function worseSuspect(own: Health, other: Health): Health['suspect'] {
  const trials = own.suspect?.trials ?? 0;
  const times = [own.suspect?.untilMs, other.suspect?.untilMs].filter((ms) => ms !== undefined);
  if (times.length === 0) return undefined;
  const isMended = isCheckedSince(own, other) || isCheckedSince(other, own);
  return { untilMs: isMended ? Math.min(...times) : Math.max(...times), trials };
}

/** Whether a check passed at `checker` after all failures that either board knows of. */
function isCheckedSince(failed: Health, checker: Health): boolean {
  const { lastCheckMs } = checker;
  return lastCheckMs !== undefined && lastCheckMs > failedMs(checker) && lastCheckMs > failedMs(failed);
}

function isOpenForGood(breaker: BreakerState): boolean {
  return breaker.kind === 'open' && breaker.untilMs === Number.POSITIVE_INFINITY;
}

function severity({ kind }: BreakerState): number {
  return ['closed', 'half-open', 'open'].indexOf(kind);
}

/** Messages take different times on their way, and the times in them shift by as much. */
const ON_ITS_WAY_MS = 1_000;

function isAbout(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) < ON_ITS_WAY_MS;
}

function isSameFailure({ lastFailure: a }: Health, { lastFailure: b }: Health): boolean {
  return a !== undefined && b !== undefined && a.message === b.message && isAbout(a.atMs, b.atMs);
}

function failedMs({ lastFailure }: Health): number {
  return lastFailure?.atMs ?? Number.NEGATIVE_INFINITY;
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
