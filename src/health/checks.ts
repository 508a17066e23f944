// Finds out by free checks which providers are well again, and tells the board.
import { backoffMs, MAX_ATTEMPTS } from '../failover/backoff.ts';
import type { Clock } from '../failover/clock.ts';
import { DISPOSITIONS } from '../failover/disposition.ts';
import type { Failure, Health } from '../failover/health.ts';
import type { HealthBoard } from '../failover/health-board.ts';
import { ProviderError, serverError } from '../failover/provider-error.ts';
import type { FailoverSettings } from '../failover/settings.ts';

export interface CheckTarget {
  /** Id on the health board. */
  readonly id: string;
  /** Costs nothing; rejects when the provider can't serve. */
  check(signal: AbortSignal): Promise<void>;
}

/** Correspond to the events connection.reconnecting, connection.reconnected and connection.failed. */
export interface HealthCheckEvents {
  /** The attempt (from 1) will be made in `waitMs` milliseconds. */
  onReconnecting?(id: string, attempt: number, waitMs: number): void;
  onReconnected?(id: string, attempts: number): void;
  /** Called after the last quick attempt failed; the provider is still checked from time to time. */
  onReconnectFailed?(id: string, attempts: number, failure: Failure): void;
}

export interface HealthChecksOptions extends HealthCheckEvents {
  readonly board: HealthBoard;
  readonly clock: Clock;
  /** As Math.random. */
  readonly random: () => number;
  readonly settings: FailoverSettings;
  readonly targets: readonly CheckTarget[];
}

export class HealthChecks {
  readonly #watches: ReadonlyMap<string, TargetWatch>;
  readonly #unsubscribe: () => void;

  constructor(options: HealthChecksOptions) {
    this.#watches = new Map(options.targets.map((target) => [target.id, new TargetWatch(target, options)]));
    this.#unsubscribe = options.board.onChange((id, health) => this.#watches.get(id)?.see(health));
  }

  /** Nothing is checked or told afterwards. */
  stop(): void {
    this.#unsubscribe();
    for (const watch of this.#watches.values()) watch.stop();
  }
}

const CHECK_MS = 5_000;
/** Random share by which a check comes earlier or later than the round, so that not all providers are checked at once. */
const SPREAD = 0.2;
/** How much a time may shift on its way between workers. */
const SAME_MS = 100;

/** Checks one target now and then, and sooner after a failure. */
class TargetWatch {
  readonly #target: CheckTarget;
  readonly #options: HealthChecksOptions;
  /** Undefined while the provider is well. */
  #outage: { attempts: number } | undefined;
  /** Time of the newest failure that was acted on. */
  #seenMs = Number.NEGATIVE_INFINITY;
  #cancelNext: () => void = () => undefined;
  #abort: AbortController | undefined;
  #isReporting = false;
  #isStopped = false;

  constructor(target: CheckTarget, options: HealthChecksOptions) {
    this.#target = target;
    this.#options = options;
    this.#checkIn(options.random() * options.settings.checkEveryMs);
    this.see(options.board.health(target.id));
  }

  /** Looks at what the board says after a change. */
  see({ breaker, suspect, lastFailure }: Health): void {
    if (this.#isStopped || this.#isReporting) return;
    if (breaker.kind === 'closed' && !suspect) {
      if (this.#outage) this.#recovered();
      return;
    }
    // A provider stays suspect until a call succeeds: being suspect alone is no new failure.
    if (!lastFailure || lastFailure.atMs <= this.#seenMs + SAME_MS) return;
    this.#seenMs = lastFailure.atMs;
    if (this.#outage || DISPOSITIONS[lastFailure.kind].breaker === 'ignores') return;
    this.#outage = { attempts: 0 };
    // A check that is already under way ends soon, and counts as the first attempt.
    if (!this.#abort) this.#tryAgain(lastFailure.retryAfterMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelNext();
    this.#abort?.abort();
  }

  #tryAgain(notBeforeMs = 0): void {
    const attempt = (this.#outage?.attempts ?? 0) + 1;
    const { random, settings, onReconnecting } = this.#options;
    if (attempt > MAX_ATTEMPTS) {
      this.#checkIn(this.#spread(settings.checkEveryMs));
      return;
    }
    const waitMs = Math.max(notBeforeMs, backoffMs(attempt, random));
    this.#checkIn(waitMs);
    onReconnecting?.(this.#target.id, attempt, waitMs);
  }

  #checkIn(ms: number): void {
    this.#cancelNext();
    this.#cancelNext = this.#options.clock.setTimeout(() => void this.#check(), ms);
  }

  #spread(ms: number): number {
    return ms * (1 + SPREAD * (2 * this.#options.random() - 1));
  }

  async #check(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const error = await this.#outcome(abort);
    this.#abort = undefined;
    if (this.#isStopped) return;
    if (error) this.#failed(error);
    else this.#passed();
  }

  /** The reason why the check failed; undefined if it passed. Never rejects, and does not wait for a check that hangs. */
  #outcome(abort: AbortController): Promise<ProviderError | undefined> {
    const { id } = this.#target;
    return new Promise((resolve) => {
      const end = (error?: ProviderError) => {
        cancelTimeout();
        resolve(error);
      };
      const cancelTimeout = this.#options.clock.setTimeout(() => {
        const message = `${id}: the check had no answer within ${CHECK_MS} ms`;
        end(new ProviderError({ kind: 'timeout', provider: id, message }));
        abort.abort();
      }, CHECK_MS);
      abort.signal.addEventListener('abort', () => end(), { once: true });
      const checked = async () => this.#target.check(abort.signal);
      checked().then(
        () => end(),
        (cause: unknown) => end(serverError(id, cause)),
      );
    });
  }

  #passed(): void {
    this.#report({ type: 'check-passed' });
    if (this.#outage) this.#recovered(this.#outage.attempts + 1);
    else this.#checkIn(this.#spread(this.#options.settings.checkEveryMs));
  }

  #failed({ kind, message, status, retryAfterMs }: ProviderError): void {
    const failure = { kind, message, status, retryAfterMs };
    this.#report({ type: 'check-failed', failure });
    this.#seenMs = this.#options.clock.now();
    if (!this.#outage) {
      // A provider that is merely at its rate limit, or refuses the request, is checked as before.
      if (DISPOSITIONS[kind].breaker === 'ignores') {
        this.#checkIn(Math.max(retryAfterMs ?? 0, this.#spread(this.#options.settings.checkEveryMs)));
        return;
      }
      this.#outage = { attempts: 0 };
    } else {
      this.#outage.attempts += 1;
      const { attempts } = this.#outage;
      if (attempts === MAX_ATTEMPTS) this.#options.onReconnectFailed?.(this.#target.id, attempts, failure);
    }
    this.#tryAgain(retryAfterMs);
  }

  #recovered(attempts = this.#outage?.attempts ?? 0): void {
    this.#outage = undefined;
    this.#checkIn(this.#spread(this.#options.settings.checkEveryMs));
    this.#options.onReconnected?.(this.#target.id, attempts);
  }

  #report(outcome: { type: 'check-passed' } | { type: 'check-failed'; failure: Failure }): void {
    this.#isReporting = true;
    this.#options.board.report(this.#target.id, outcome);
    this.#isReporting = false;
  }
}
