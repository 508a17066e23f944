// Timers by what they are for: each is set anew, taken back alone, or with all others.
import type { Clock } from '../../failover/clock.ts';

export class NamedTimers<Name extends string> {
  readonly #clock: Clock;
  readonly #cancels = new Map<Name, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(name: Name, ms: number, work: () => void): void {
    this.cancel(name);
    const cancel = this.#clock.setTimeout(() => {
      this.#cancels.delete(name);
      work();
    }, ms);
    this.#cancels.set(name, cancel);
  }

  cancel(name: Name): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }

  clear(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
