// The last results of a provider: what deadlines and hedges follow.

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
}

const KEPT = 200;
/** Sorting 200 numbers is cheap, but not at every result. */
const SUMMARISE_EVERY = 10;

export class LatencyWindow {
  readonly #values: number[] = [];
  #next = 0;
  #count = 0;
  #summary: LatencySummary | undefined;

  add(ms: number): void {
    this.#values[this.#next] = ms;
    this.#next = (this.#next + 1) % KEPT;
    this.#count += 1;
    if (this.#count < SUMMARISE_EVERY || this.#count % SUMMARISE_EVERY === 0) this.#summary = undefined;
  }

  /** undefined before the first value. */
  summary(): LatencySummary | undefined {
    if (this.#count === 0) return undefined;
    if (!this.#summary) {
      const sorted = [...this.#values].sort((a, b) => a - b);
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] as number;
      this.#summary = { count: sorted.length, p50: at(0.5), p90: at(0.9), p95: at(0.95) };
    }
    return this.#summary;
  }
}
