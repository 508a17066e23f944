// Whether more of a reply is due: nothing is, as long as what was handed on of it still plays.
import type { Clock } from '../../failover/clock.ts';

const BUSY_MS = 50;
const MOST_BUSY_MS = 500;

export class ReplyWatch {
  readonly #clock: Clock;
  readonly #onOverdue: () => void;
  #cancel: (() => void) | undefined;
  #releasedMs = 0;
  /** When what was handed on so far has played out. */
  #playsUntilMs = 0;

  /** @param onOverdue what was handed on has played out, and what is due did not come for its time */
  constructor(clock: Clock, onOverdue: () => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  /**
   * @param releasedMs of the reply's audio, by now
   * @param afterMs from the end of what plays
   */
  expect(releasedMs: number, afterMs: number): void {
    const now = this.#clock.now();
    this.#playsUntilMs = Math.max(this.#playsUntilMs, now) + Math.max(0, releasedMs - this.#releasedMs);
    this.#releasedMs = releasedMs;
    this.#wait(this.#playsUntilMs - now + afterMs);
  }

  #wait(ms: number): void {
    this.#cancel?.();
    const dueMs = this.#clock.now() + ms;
    this.#cancel = this.#clock.setTimeout(() => {
      // This process was busy: what came meanwhile was not read yet.
      const lateMs = this.#clock.now() - dueMs;
      if (lateMs > BUSY_MS) this.#wait(Math.min(lateMs, MOST_BUSY_MS));
      else this.#onOverdue();
    }, ms);
  }

  /** Nothing is due. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#releasedMs = 0;
    this.#playsUntilMs = 0;
  }
}
