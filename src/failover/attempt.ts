// One attempt at one provider: its deadlines, what it measured, and the one verdict that the board gets.
import type { Deadlines } from '../config/provider.ts';
import { type Clock, setDeadline } from './clock.ts';
import { VERY_LATE } from './deadline.ts';
import { CUT_OFF_WITHIN_MS } from './disposition.ts';
import type { Failure } from './health.ts';
import { ProviderError } from './provider-error.ts';

export interface AttemptOptions<Link> {
  readonly link: Link;
  readonly provider: string;
  /** The attempt tests whether the provider is well again: no caller may have to wait for it alone. */
  readonly isTrial: boolean;
  readonly deadlines: Deadlines;
  /** The attempt goes on with a connection that is open already, which is not measured again. */
  readonly isConnected?: boolean;
  /** Milliseconds; a first result that is later than this may never come. */
  readonly firstUrgentMs: number;
  readonly clock: Clock;
  readonly report: (outcome: SettledOutcome, error?: ProviderError) => void;
}

/** The verdict of an attempt, without what `Failover` adds to it for the board. */
export type SettledOutcome =
  | { readonly type: 'success'; readonly startedMs: number; readonly connectMs?: number; readonly firstMs?: number }
  /**
   * `isCutOff`: the connection was accepted and closed at once, without a result. `waitedMs`: how long the first result was
   * awaited in vain.
   */
  | { readonly type: 'failure'; readonly failure: Failure; readonly isCutOff: boolean; readonly waitedMs?: number }
  | { readonly type: 'release' };

type Wait = 'connect' | 'first' | 'stall';
/** A handshake over a network takes longer: a connection that is reported sooner was already open, in a pool. */
const LEAST_HANDSHAKE_MS = 20;

/** Help blames no link, so a late timer only lets what was received meanwhile be read first. */
const HELP_EXTRA_MS = 1;

const LATE: Readonly<Record<Wait, string>> = {
  connect: 'no connection',
  first: 'no first result',
  stall: 'no further result',
};

export class Attempt<Link> {
  readonly link: Link;
  readonly isTrial: boolean;
  readonly deadlines: Deadlines;
  /** Milliseconds; a first result that is later than this may never come. */
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
  /** Help was asked for since the first result was expected. */
  #isHelpDue = false;
  #stallDueMs = Number.POSITIVE_INFINITY;

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

  /** Whether the attempt has given a result yet. */
  get hasResult(): boolean {
    return this.#firstMs !== undefined;
  }

  get ageMs(): number {
    return this.#options.clock.now() - this.#startedMs;
  }

  /** `handle` is called once when a deadline passes; the attempt has no verdict by that alone. */
  onTimeout(handle: (error: ProviderError) => void): void {
    this.#onTimeout = handle;
  }

  /** Much of the deadline has passed: few healthy vendors are so late. Where there is no deadline, true as soon as help is due. */
  get isVeryLate(): boolean {
    return this.#isVeryLate;
  }

  /**
   * `handle` is called when what is due is so late that another link should be started beside this one, and again when it is very
   * late. The attempt has not failed.
   */
  onLate(handle: () => void): void {
    this.#onLate = handle;
  }

  /** From now on the connection must open within its deadline; `opened` ends that wait. */
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
   * The provider was given its work: the first result must come within its deadline, which counts from the open connection where
   * that is still awaited.
   * @param wait where the work at hand takes longer than usual; one without an end is ended by the next call
   */
  expectFirst(wait: Pick<Deadlines, 'firstMs' | 'firstHelpMs'> = this.deadlines): void {
    if (this.#isExpecting) {
      if (this.hasResult || this.#timers.connect || Number.isFinite(this.#firstWait.firstMs)) return;
      this.#firstWait = wait;
      this.#isHelpDue = false;
      this.#arm('first', wait.firstMs, wait.firstHelpMs);
      return;
    }
    this.#isExpecting = true;
    this.#firstWait = wait;
    this.#expectedMs = this.#options.clock.now();
    if (!this.#timers.connect) this.#armFirst();
  }

  /** The provider gave a sign of life but no result: the deadline of the first result starts anew. The time for help stays. */
  alive(): void {
    if (this.#isSettled) return;
    this.opened();
    if (!this.#timers.first) return;
    const { firstMs, firstHelpMs } = this.#firstWait;
    const leftMs = (this.#expectedMs ?? this.#startedMs) + firstHelpMs - this.#options.clock.now();
    this.#arm('first', firstMs, this.#isHelpDue ? Number.POSITIVE_INFINITY : Math.max(0, leftMs));
  }

  /** A result came; the time to the first one is measured. */
  result(): void {
    if (this.#isSettled) return;
    this.opened();
    this.#disarm('first');
    this.#disarm('stall');
    this.#firstMs ??= this.#options.clock.now() - (this.#expectedMs ?? this.#startedMs);
  }

  /** The next result must come within `withinMs`, with help after `helpMs`; the attempt's own waits where absent. A result ends it. */
  expectNext(withinMs = this.deadlines.stallMs, helpMs = this.deadlines.stallHelpMs): void {
    const nowMs = this.#options.clock.now();
    // It is overdue already: its timer stays, which may have been given extra time.
    if (withinMs <= 0 && this.#timers.stall && nowMs >= this.#stallDueMs) return;
    this.#stallDueMs = nowMs + withinMs;
    this.#arm('stall', withinMs, helpMs);
  }

  /** Nothing is due now; work that is given later starts new waits. */
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

  /** Ends the attempt without a verdict: the caller interrupted, or another link was quicker. */
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
    this.#isHelpDue = false;
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
    const helpIn = (inMs: number, isVeryLate: boolean) => {
      const help = () => {
        this.#isHelpDue = true;
        this.#isVeryLate ||= isVeryLate;
        this.#onLate();
      };
      return this.#in(inMs, help, HELP_EXTRA_MS);
    };
    const urgentMs = Math.max(helpMs, ms * VERY_LATE, wait === 'first' ? this.firstUrgentMs : 0);
    // A trial gets help at once; once it has given a result, it is treated like any other attempt.
    const firstHelpMs = this.isTrial && wait !== 'stall' ? 0 : helpMs;
    const cancels = [
      ...(helpMs < urgentMs ? [helpIn(firstHelpMs, ms === Number.POSITIVE_INFINITY)] : []),
      ...(urgentMs < ms ? [helpIn(urgentMs, true)] : []),
      ...(Number.isFinite(ms) ? [this.#in(ms, late)] : []),
    ];
    this.#timers[wait] = cancels.length === 0 ? undefined : () => cancels.forEach((cancel) => void cancel());
  }

  #in(ms: number, run: () => void, mostExtraMs?: number): () => void {
    return setDeadline(this.#options.clock, () => !this.#isSettled && run(), ms, mostExtraMs);
  }

  #disarm(wait: Wait): void {
    this.#timers[wait]?.();
    delete this.#timers[wait];
  }
}
