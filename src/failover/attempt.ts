// One attempt at one provider: its deadlines, what it measured, and the one verdict that the board gets.
import type { Deadlines } from '../config/provider.ts';
import type { Clock } from './clock.ts';
import { VERY_LATE } from './deadline.ts';
import { CUT_OFF_WITHIN_MS } from './disposition.ts';
import type { Failure } from './health.ts';
import { ProviderError } from './provider-error.ts';

export interface AttemptOptions<Link> {
  readonly link: Link;
  readonly provider: string;
  /** Admitted to find out whether the provider is well again: nobody may have to wait for it. */
  readonly isTrial: boolean;
  readonly deadlines: Deadlines;
  /** It goes on with a connection that stands already, which is not measured again. */
  readonly isConnected?: boolean;
  /** A first result that is later than this may never come. */
  readonly firstUrgentMs: number;
  readonly clock: Clock;
  readonly report: (outcome: SettledOutcome, error?: ProviderError) => void;
}

/** Without what only the board knows of it. */
export type SettledOutcome =
  | { readonly type: 'success'; readonly startedMs: number; readonly connectMs?: number; readonly firstMs?: number }
  /**
   * `isCutOff`: its connection was accepted and closed at once, without a result. `waitedMs`: for so long its first result was
   * waited for in vain.
   */
  | { readonly type: 'failure'; readonly failure: Failure; readonly isCutOff: boolean; readonly waitedMs?: number }
  | { readonly type: 'release' };

type Wait = 'connect' | 'first' | 'stall';
/** A handshake over a network takes longer: one that is told sooner was made before, by a pool. */
const LEAST_HANDSHAKE_MS = 20;

const LATE: Readonly<Record<Wait, string>> = {
  connect: 'no connection',
  first: 'no first result',
  stall: 'no further result',
};

export class Attempt<Link> {
  readonly link: Link;
  readonly isTrial: boolean;
  readonly deadlines: Deadlines;
  /** A first result that is later than this may never come. */
  readonly firstUrgentMs: number;
  readonly #options: AttemptOptions<Link>;
  readonly #startedMs: number;
  readonly #timers: { [wait in Wait]?: (() => void) | undefined } = {};
  #onTimeout: (error: ProviderError) => void = () => undefined;
  #onLate: () => void = () => undefined;
  #connectMs: number | undefined;
  #expectedMs: number | undefined;
  #firstWait: Pick<Deadlines, 'firstMs' | 'firstHelpMs'>;
  #isExpecting = false;
  #firstMs: number | undefined;
  #isSettled = false;
  #isVeryLate = false;

  constructor(options: AttemptOptions<Link>) {
    this.link = options.link;
    this.isTrial = options.isTrial;
    this.deadlines = options.deadlines;
    this.firstUrgentMs = options.firstUrgentMs;
    this.#firstWait = options.deadlines;
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

  /** Much of the wait after which it is judged has passed: few healthy vendors are so late. Where nothing is judged, only help finds out. */
  get isVeryLate(): boolean {
    return this.#isVeryLate;
  }

  /**
   * Called when what is due is so late that another should be started beside it, and again when it is very late. It has not failed.
   */
  onLate(handle: () => void): void {
    this.#onLate = handle;
  }

  /** From now on the connection must come within its deadline; `opened` ends that. */
  connecting(): void {
    const { connectMs, connectHelpMs } = this.deadlines;
    if (this.#connectMs === undefined) this.#arm('connect', connectMs, connectHelpMs);
  }

  opened(): void {
    if (this.#isSettled || this.#connectMs !== undefined || this.#options.isConnected) return;
    this.#connectMs = this.ageMs;
    this.#disarm('connect');
    if (this.#isExpecting && !this.#timers.first && !this.hasResult) this.#armFirst();
  }

  /**
   * The work is given: the first result must come within its deadline, which counts from the open connection where that is
   * waited for.
   * @param wait where the work at hand takes longer than usual; one without an end is ended by the next call
   */
  expectFirst(wait: Pick<Deadlines, 'firstMs' | 'firstHelpMs'> = this.deadlines): void {
    if (this.#isExpecting) {
      if (this.hasResult || this.#timers.connect || Number.isFinite(this.#firstWait.firstMs)) return;
      this.#firstWait = wait;
      this.#arm('first', wait.firstMs, wait.firstHelpMs);
      return;
    }
    this.#isExpecting = true;
    this.#firstWait = wait;
    this.#expectedMs = this.#options.clock.now();
    if (!this.#timers.connect) this.#armFirst();
  }

  /** It gives signs of life, and no result yet: what is waited for is judged from here. Help comes as before. */
  alive(): void {
    if (this.#isSettled) return;
    this.opened();
    if (!this.#timers.first) return;
    const { firstMs, firstHelpMs } = this.#firstWait;
    const leftMs = (this.#expectedMs ?? this.#startedMs) + firstHelpMs - this.#options.clock.now();
    this.#arm('first', firstMs, leftMs > 0 ? leftMs : Number.POSITIVE_INFINITY);
  }

  /** A result came; the first one is measured. */
  result(): void {
    if (this.#isSettled) return;
    this.opened();
    this.#disarm('first');
    this.#disarm('stall');
    this.#firstMs ??= this.#options.clock.now() - (this.#expectedMs ?? this.#startedMs);
  }

  /** The next result must come within so long, with help after `helpMs`; its own deadline where absent. Every result ends it. */
  expectNext(withinMs = this.deadlines.stallMs, helpMs = this.deadlines.stallHelpMs): void {
    this.#arm('stall', withinMs, helpMs);
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
      ...((this.#connectMs ?? 0) >= LEAST_HANDSHAKE_MS && { connectMs: this.#connectMs as number }),
      ...(this.#firstMs !== undefined && { firstMs: this.#firstMs }),
    });
  }

  fail(error: ProviderError): void {
    const { kind, message, status, retryAfterMs } = error;
    const isYoung = (error.stoodMs ?? Number.POSITIVE_INFINITY) < CUT_OFF_WITHIN_MS;
    const isCutOff = kind === 'unreachable' && isYoung && !this.hasResult && !this.#options.isConnected;
    const isLate = kind === 'timeout' && this.#isExpecting && !this.hasResult && this.#expectedMs !== undefined;
    const waitedMs = isLate ? this.#options.clock.now() - (this.#expectedMs as number) : undefined;
    const failure = { kind, message, status, retryAfterMs };
    this.#settle({ type: 'failure', failure, isCutOff, ...(waitedMs !== undefined && { waitedMs }) }, error);
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

  #armFirst(): void {
    this.#expectedMs = this.#options.clock.now();
    this.#arm('first', this.#firstWait.firstMs, this.#firstWait.firstHelpMs);
  }

  #arm(wait: Wait, ms: number, helpMs: number): void {
    this.#disarm(wait);
    if (this.#isSettled) return;
    const late = () => {
      const { provider } = this.#options;
      const message = `${provider}: ${LATE[wait]} within ${Math.round(ms)} ms`;
      this.#onTimeout(new ProviderError({ kind: 'timeout', provider, message }));
    };
    this.#isVeryLate = false;
    const help = (isVeryLate: boolean) => () => {
      this.#isVeryLate = isVeryLate;
      this.#onLate();
    };
    const urgentMs = Math.max(helpMs, ms * VERY_LATE, wait === 'first' ? this.firstUrgentMs : 0);
    const cancels = [
      // A trial is helped at once; one that gave something is as good as any other.
      ...(helpMs < urgentMs
        ? [this.#in(this.isTrial && wait !== 'stall' ? 0 : helpMs, help(ms === Number.POSITIVE_INFINITY))]
        : []),
      ...(urgentMs < ms ? [this.#in(urgentMs, help(true))] : []),
      ...(Number.isFinite(ms) ? [this.#in(ms, late)] : []),
    ];
    this.#timers[wait] = cancels.length === 0 ? undefined : () => cancels.forEach((cancel) => void cancel());
  }

  #in(ms: number, run: () => void): () => void {
    return this.#options.clock.setTimeout(() => !this.#isSettled && run(), ms);
  }

  #disarm(wait: Wait): void {
    this.#timers[wait]?.();
    delete this.#timers[wait];
  }
}
