// Stops a storm: retries are paid from a bucket that failures empty and successes fill slowly.

const CAPACITY = 10;
const FAILURE_COSTS = 1;
const SUCCESS_GIVES = 0.1;

/** As gRPC's retry throttling (source: gRPC proposal A6): with half of the bucket gone there are no more retries. */
export class RetryBudget {
  #tokens = CAPACITY;

  failed(): void {
    this.#tokens = Math.max(0, this.#tokens - FAILURE_COSTS);
  }

  succeeded(): void {
    this.#tokens = Math.min(CAPACITY, this.#tokens + SUCCESS_GIVES);
  }

  allows(): boolean {
    return this.#tokens > CAPACITY / 2;
  }
}
