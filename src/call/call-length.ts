// How long a call may be: it ends at its greatest length, and after a long silence, about which the caller is asked first.
import type { Clock } from '../failover/clock.ts';

export type EndReason = 'length' | 'silence';

export interface CallLengthOptions {
  readonly maxMs: number;
  readonly silenceMs: number;
  readonly clock: Clock;
  /** Neither side has spoken for `silenceMs`: ask the caller whether they are still there. */
  readonly onSilent: () => void;
  /** Called once. */
  readonly onEnd: (reason: EndReason) => void;
}

type State = 'talking' | 'asked' | 'over';

export class CallLength {
  readonly #options: CallLengthOptions;
  readonly #cancelMax: () => void;
  #cancelSilence: () => void = () => undefined;
  #state: State = 'talking';

  constructor(options: CallLengthOptions) {
    this.#options = options;
    this.#cancelMax = options.clock.setTimeout(() => this.#end('length'), options.maxMs);
    this.quiet();
  }

  /** The caller spoke, typed or pressed a key. */
  heard(): void {
    if (this.#state === 'asked') this.#state = 'talking';
    this.busy();
  }

  /** Somebody speaks, or the agent thinks: stops the silence timer. */
  busy(): void {
    this.#cancelSilence();
  }

  /** Nobody speaks or thinks from now on: starts the silence timer. */
  quiet(): void {
    this.#cancelSilence();
    if (this.#state !== 'over')
      this.#cancelSilence = this.#options.clock.setTimeout(() => this.#silent(), this.#options.silenceMs);
  }

  close(): void {
    this.#state = 'over';
    this.#cancelMax();
    this.#cancelSilence();
  }

  #silent(): void {
    if (this.#state === 'asked') {
      this.#end('silence');
      return;
    }
    this.#state = 'asked';
    this.quiet();
    this.#options.onSilent();
  }

  #end(reason: EndReason): void {
    this.close();
    this.#options.onEnd(reason);
  }
}
