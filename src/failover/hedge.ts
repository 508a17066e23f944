// How often a second provider may be started beside a late one. Nine in ten answers come before the help does, so that without a bound
// one request in ten would be made twice while nothing is wrong.
import type { Clock } from './clock.ts';

const SAVED = 3;
/** Hedges always allowed within a minute beside very late links: the first hang of a quiet day gets help, too. */
const ALWAYS = 3;
const MINUTE_MS = 60_000;

/**
 * Allows at most a given share of all starts as hedges, by a budget that each start fills a little; but always three in a minute
 * beside links that are so late that they may have failed.
 */
export class HedgeBudget {
  readonly #share: number;
  readonly #clock: Clock;
  #left = 0;
  #spentMs: number[] = [];

  /** @throws RangeError when the share is not from 0 to 1 */
  constructor(share: number, clock: Clock) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`the share of hedges must be from 0 to 1, got ${share}`);
    this.#share = share;
    this.#clock = clock;
  }

  get isOff(): boolean {
    return this.#share === 0;
  }

  started(): void {
    this.#left = Math.min(SAVED, this.#left + this.#share);
  }

  /**
   * Whether a hedge may start now; the budget is then spent.
   * @param isUrgent who is late may have failed
   */
  spend(isUrgent: boolean): boolean {
    if (this.isOff) return false;
    const nowMs = this.#clock.now();
    this.#spentMs = this.#spentMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
    if (this.#left < 1 && !(isUrgent && this.#spentMs.length < ALWAYS)) return false;
    this.#left = Math.max(0, this.#left - 1);
    this.#spentMs.push(nowMs);
    return true;
  }
}
