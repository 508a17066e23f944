// When a second provider is started beside a late one, and how often that may be.
import type { LatencySummary } from './latency.ts';

/** At most this part of all starts are hedges, counted as a budget that each start fills a little. */
export class HedgeBudget {
  readonly #share: number;
  /** One in the beginning, so that the first late answer of a call can be hedged. */
  #left = 1;

  /** @throws RangeError when the share is not from 0 to 1 */
  constructor(share: number) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`the share of hedges must be from 0 to 1, got ${share}`);
    this.#share = share;
  }

  started(): void {
    this.#left = Math.min(3, this.#left + this.#share);
  }

  /** Whether one may start now; it is then spent. */
  spend(): boolean {
    if (this.#share === 0 || this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

const ENOUGH_RESULTS = 10;
/** Before anything was measured: a usual time is a median, and nine in ten answers come within twice that. */
const TYPICAL_TO_P90 = 2;

/** When the first result counts as late; never so near the deadline that the hedge could not help. */
export function hedgeAfterMs(
  typicalFirstMs: number | undefined,
  measured: LatencySummary | undefined,
  deadlineMs: number,
): number {
  const known = measured && measured.count >= ENOUGH_RESULTS ? measured.p90 : undefined;
  const typical = typicalFirstMs === undefined ? undefined : typicalFirstMs * TYPICAL_TO_P90;
  return Math.min(known ?? typical ?? deadlineMs / 2, deadlineMs * 0.7);
}
