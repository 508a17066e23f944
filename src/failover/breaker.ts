// A circuit breaker: closed, open after failures in a row, half-open after a while, closed again by successes.
import type { BreakerSettings } from './settings.ts';

export type BreakerState =
  | { readonly kind: 'closed'; readonly failures: number }
  /** `untilMs` is Infinity where only a change can help. */
  | { readonly kind: 'open'; readonly untilMs: number }
  | { readonly kind: 'half-open'; readonly trials: number; readonly successes: number };

const CLOSED: BreakerState = { kind: 'closed', failures: 0 };

/** A plain state machine without a clock: every call passes the time in milliseconds. */
export class Breaker {
  readonly #settings: BreakerSettings;
  #state: BreakerState = CLOSED;

  /** @throws RangeError for a number that makes no breaker */
  constructor(settings: BreakerSettings) {
    for (const [name, value] of Object.entries(settings)) {
      if (!(value >= 1)) throw new RangeError(`breaker.${name} must be at least 1, got ${value}`);
    }
    this.#settings = settings;
  }

  /** An open breaker whose time has passed is half-open. */
  state(nowMs: number): BreakerState {
    if (this.#state.kind === 'open' && nowMs >= this.#state.untilMs) {
      this.#state = { kind: 'half-open', trials: 0, successes: 0 };
    }
    return this.#state;
  }

  /** Whether a call may be made; counts it as under way when half-open. */
  admit(nowMs: number): boolean {
    const state = this.state(nowMs);
    if (state.kind === 'closed') return true;
    if (state.kind === 'open' || state.trials >= this.#settings.trials) return false;
    this.#state = { ...state, trials: state.trials + 1 };
    return true;
  }

  /** `isTrial`: the call was admitted while half-open and now frees its place. */
  succeed(nowMs: number, isTrial = true): void {
    const state = this.state(nowMs);
    if (state.kind === 'closed') this.#state = CLOSED;
    if (state.kind !== 'half-open') return;
    const successes = state.successes + 1;
    this.#state =
      successes >= this.#settings.successes
        ? CLOSED
        : { kind: 'half-open', trials: Math.max(0, state.trials - (isTrial ? 1 : 0)), successes };
  }

  fail(nowMs: number): void {
    const state = this.state(nowMs);
    if (state.kind === 'open') return;
    const failures = state.kind === 'closed' ? state.failures + 1 : this.#settings.failures;
    if (failures >= this.#settings.failures) this.open(nowMs + this.#settings.openMs);
    else this.#state = { kind: 'closed', failures };
  }

  /** Reports a call that ended without a verdict, for example when the caller interrupts. */
  release(nowMs: number): void {
    const state = this.state(nowMs);
    if (state.kind === 'half-open') this.#state = { ...state, trials: Math.max(0, state.trials - 1) };
  }

  open(untilMs: number): void {
    this.#state = { kind: 'open', untilMs };
  }

  /** Allows trials of an open breaker before its time has passed. */
  halfOpen(): void {
    if (this.#state.kind === 'open') this.#state = { kind: 'half-open', trials: 0, successes: 0 };
  }

  /** Takes over a state from elsewhere. */
  restore(state: BreakerState): void {
    this.#state = state;
  }
}
