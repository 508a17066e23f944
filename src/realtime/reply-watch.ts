// Whether more of a reply is due: nothing is, as long as what was handed on of it still plays.
import type { Clock } from '../failover/clock.ts';

export class ReplyWatch {
  readonly #clock: Clock;
  readonly #onOverdue: () => void;
  #cancel: (() => void) | undefined;
  /** When the first audio of the reply was handed on by the session that serves. */
  #playsSinceMs: number | undefined;

  /** @param onOverdue what was handed on has played out, and what is due did not come for its time */
  constructor(clock: Clock, onOverdue: () => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  /** @param afterMs from the end of what plays */
  expect(releasedMs: number, afterMs: number): void {
    const now = this.#clock.now();
    if (releasedMs > 0) this.#playsSinceMs ??= now;
    const leftMs = this.#playsSinceMs === undefined ? 0 : Math.max(0, this.#playsSinceMs + releasedMs - now);
    this.#cancel?.();
    this.#cancel = this.#clock.setTimeout(this.#onOverdue, leftMs + afterMs);
  }

  /** Nothing is due. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#playsSinceMs = undefined;
  }
}
