// One attempt at one provider: its deadlines, what it measured, and the one verdict that the board gets.
import type { Clock } from './clock.ts';
import type { Deadlines } from './deadline.ts';
import { CUT_OFF_WITHIN_MS } from './disposition.ts';
import type { Failure } from './health.ts';
import { ProviderError } from './provider-error.ts';

export interface AttemptOptions<Link> {
  readonly link: Link;
  readonly provider: string;
  /** Admitted to find out whether the provider is well again: nobody may have to wait for it. */
  readonly isTrial: boolean;
  readonly deadlines: Deadlines;
  /** After so long without a first result, another may be started beside it; 0 for a trial. */
  readonly hedgeAfterMs: number;
  /** It goes on with a connection that stands already, which is not measured again. */
  readonly isConnected?: boolean;
  readonly clock: Clock;
  readonly report: (outcome: SettledOutcome, error?: ProviderError) => void;
}

/** Without what only the board knows of it. */
export type SettledOutcome =
  | { readonly type: 'success'; readonly startedMs: number; readonly connectMs?: number; readonly firstMs?: number }
  /** `isCutOff`: its connection was accepted and closed at once, without a result. */
  | { readonly type: 'failure'; readonly failure: Failure; readonly isCutOff: boolean }
  | { readonly type: 'release' };

type Wait = 'connect' | 'first' | 'stall';

const LATE: Readonly<Record<Wait, string>> = {
  connect: 'no connection',
  first: 'no first result',
  stall: 'no further result',
};

export class Attempt<Link> {
  readonly link: Link;
  readonly isTrial: boolean;
  readonly deadlines: Deadlines;
  readonly hedgeAfterMs: number;
  readonly #options: AttemptOptions<Link>;
  readonly #startedMs: number;
  readonly #timers: Partial<Record<Wait, () => void>> = {};
  #onTimeout: (error: ProviderError) => void = () => undefined;
  #connectMs: number | undefined;
  #expectedMs: number | undefined;
  #isExpecting = false;
  #firstMs: number | undefined;
  #isSettled = false;

  constructor(options: AttemptOptions<Link>) {
    this.link = options.link;
    this.isTrial = options.isTrial;
    this.deadlines = options.deadlines;
    this.hedgeAfterMs = options.hedgeAfterMs;
    this.#options = options;
    this.#startedMs = options.clock.now();
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether it gave anything yet. */
  get hasResult(): boolean {
    return this.#firstMs !== undefined;
  }

  get ageMs(): number {
    return this.#options.clock.now() - this.#startedMs;
  }

  /** Called when a deadline passes, once; the attempt still waits for its verdict. */
  onTimeout(handle: (error: ProviderError) => void): void {
    this.#onTimeout = handle;
  }

  /** From now on the connection must come within its deadline; `opened` ends that. */
  connecting(): void {
    if (this.#connectMs === undefined) this.#arm('connect', this.deadlines.connectMs);
  }

  opened(): void {
    if (this.#isSettled || this.#connectMs !== undefined || this.#options.isConnected) return;
    this.#connectMs = this.ageMs;
    this.#disarm('connect');
  }

  /** The work is given: the first result must come within its deadline. */
  expectFirst(): void {
    if (this.#isExpecting) return;
    this.#isExpecting = true;
    this.#expectedMs = this.#options.clock.now();
    this.#arm('first', this.deadlines.firstMs);
  }

  /** A result came; the first one is measured. */
  result(): void {
    if (this.#isSettled) return;
    this.opened();
    this.#disarm('first');
    this.#disarm('stall');
    this.#firstMs ??= this.#options.clock.now() - (this.#expectedMs ?? this.#startedMs);
  }

  /** The next result must come within so long; its own deadline where absent. Every result ends it. */
  expectNext(withinMs = this.deadlines.stallMs): void {
    this.#arm('stall', withinMs);
  }

  /** Nothing is due now; work that is given again is waited for anew. */
  expectNothing(): void {
    this.#isExpecting = this.hasResult;
    this.#disarm('stall');
    this.#disarm('first');
  }

  succeed(): void {
    this.#settle({
      type: 'success',
      startedMs: this.#startedMs,
      ...(this.#connectMs !== undefined && { connectMs: this.#connectMs }),
      ...(this.#firstMs !== undefined && { firstMs: this.#firstMs }),
    });
  }

  fail(error: ProviderError): void {
    const { kind, message, status, retryAfterMs } = error;
    const isYoung = (error.stoodMs ?? Number.POSITIVE_INFINITY) < CUT_OFF_WITHIN_MS;
    const isCutOff = kind === 'unreachable' && isYoung && !this.hasResult && !this.#options.isConnected;
    this.#settle({ type: 'failure', failure: { kind, message, status, retryAfterMs }, isCutOff }, error);
  }

  /** Ended without a verdict: the caller interrupted, or another was quicker. */
  release(): void {
    this.#settle({ type: 'release' });
  }

  #settle(outcome: SettledOutcome, error?: ProviderError): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    for (const wait of ['connect', 'first', 'stall'] as const) this.#disarm(wait);
    this.#options.report(outcome, error);
  }

  #arm(wait: Wait, ms: number): void {
    this.#disarm(wait);
    if (this.#isSettled) return;
    this.#timers[wait] = this.#options.clock.setTimeout(() => {
      if (this.#isSettled) return;
      const { provider } = this.#options;
      const message = `${provider}: ${LATE[wait]} within ${Math.round(ms)} ms`;
      this.#onTimeout(new ProviderError({ kind: 'timeout', provider, message }));
    }, ms);
  }

  #disarm(wait: Wait): void {
    this.#timers[wait]?.();
    delete this.#timers[wait];
  }
}
