// What a call does when nobody is left in a stage: says so at once and again, and gives the call up after a while. Policy
// only: others speak and record.
import type { Clock } from '../failover/clock.ts';

export interface LastResortTimes {
  /** Time from the beginning of one recorded sentence to the next. */
  readonly repeatMs: number;
  /** How long the chains may try before the call is given up. */
  readonly giveUpMs: number;
}

export interface LastResortEvents {
  /** Tell the caller that there is trouble: called at once, and then every `repeatMs`. */
  onTell(): void;
  /** Called when all stages are served again. */
  onRecovered(): void;
  /** Called once, as the last event, with the stages that have no provider. */
  onGiveUp(stages: readonly string[]): void;
}

export class LastResort {
  readonly #clock: Clock;
  readonly #times: LastResortTimes;
  readonly #events: LastResortEvents;
  /** Stages that no provider serves. */
  readonly #down = new Set<string>();
  #sinceMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #recoveredMs = Number.NEGATIVE_INFINITY;
  #cancelTell: () => void = () => undefined;
  #cancelGiveUp: () => void = () => undefined;
  #isOver = false;

  constructor(clock: Clock, times: LastResortTimes, events: LastResortEvents) {
    this.#clock = clock;
    this.#times = times;
    this.#events = events;
  }

  /** Every link of the stage failed; may be called repeatedly. */
  exhausted(stage: string): void {
    if (this.#isOver) return;
    const isFirst = this.#down.size === 0;
    this.#down.add(stage);
    if (!isFirst) return;
    const nowMs = this.#clock.now();
    // A link that recovers only for a moment does not restart the caller's wait.
    if (nowMs - this.#recoveredMs >= this.#times.repeatMs) this.#sinceMs = nowMs;
    this.#cancelGiveUp = this.#clock.setTimeout(
      () => this.#giveUp(),
      Math.max(0, this.#sinceMs + this.#times.giveUpMs - nowMs),
    );
    this.#tellIn(Math.max(0, this.#toldMs + this.#times.repeatMs - nowMs));
  }

  recovered(stage: string): void {
    if (this.#isOver || !this.#down.delete(stage) || this.#down.size > 0) return;
    this.#cancel();
    this.#recoveredMs = this.#clock.now();
    this.#events.onRecovered();
  }

  /** Call when the call is over. */
  close(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #tellIn(ms: number): void {
    const tell = () => {
      this.#toldMs = this.#clock.now();
      this.#tellIn(this.#times.repeatMs);
      this.#events.onTell();
    };
    if (ms === 0) tell();
    else this.#cancelTell = this.#clock.setTimeout(tell, ms);
  }

  #giveUp(): void {
    this.close();
    this.#events.onGiveUp([...this.#down]);
  }

  #cancel(): void {
    this.#cancelTell();
    this.#cancelGiveUp();
  }
}
