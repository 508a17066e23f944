// Whether more of a reply is due: nothing is, as long as what was handed on of it still plays.
import { type Clock, setDeadline } from '../../failover/clock.ts';

export class ReplyWatch {
  readonly #clock: Clock;
  readonly #onOverdue: () => void;
  #cancel: (() => void) | undefined;
  #releasedMs = 0;
  /** Clock time at which the audio handed on so far has played out. */
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
    this.#cancel?.();
    this.#cancel = setDeadline(this.#clock, this.#onOverdue, this.#playsUntilMs - now + afterMs);
  }

  /** Call when nothing is due. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#releasedMs = 0;
    this.#playsUntilMs = 0;
  }
}
