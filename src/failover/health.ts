// What is known of one provider at one stage, and how each outcome changes it.
import { Breaker, type BreakerState } from './breaker.ts';
import type { Clock } from './clock.ts';
import {
  CUT_OFFS_IN_ROW,
  CUT_OFFS_UNCHECKED_MS,
  DISPOSITIONS,
  INVALID_REQUESTS_COOL_DOWN_MS,
  INVALID_REQUESTS_IN_ROW,
} from './disposition.ts';
import { type LatencySummary, LatencyWindow } from './latency.ts';
import type { ProviderErrorKind } from './provider-error.ts';
import type { FailoverSettings } from './settings.ts';

/** A failure without the error object: it travels between processes. */
export interface Failure {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** How an attempt or a check went. `trial`: the attempt was admitted as a trial. */
export type Outcome =
  | {
      readonly type: 'success';
      readonly trial: boolean;
      /** When the attempt began: a success that began before the last failure proves nothing about the time after that failure. */
      readonly startedMs: number;
      readonly connectMs?: number;
      readonly firstMs?: number;
    }
  /** `checkable`: the provider has a free check, which will tell when it is well again. */
  | {
      readonly type: 'failure';
      readonly trial: boolean;
      readonly failure: Failure;
      readonly checkable: boolean;
      /** How long the first result was awaited in vain: it takes longer than that. */
      readonly waitedMs?: number;
    }
  /** Reported beside the failure: the connection was accepted and closed at once, possibly because of the key. */
  | { readonly type: 'cut-off'; readonly trial: boolean; readonly checkable: boolean }
  /** Ended without a verdict: cancelled, or beaten by a hedge. */
  | { readonly type: 'release'; readonly trial: boolean }
  | { readonly type: 'check-passed' }
  | { readonly type: 'check-failed'; readonly failure: Failure };

/** Plain data: it travels between processes (src/health/protocol.ts). */
export interface Health {
  readonly breaker: BreakerState;
  /** The provider failed: it is not called until `untilMs` or until a check passes. Afterwards calls are trials. */
  readonly suspect: { readonly untilMs: number; readonly trials: number } | undefined;
  /** The provider is at its rate limit or refuses our requests: healthy, but of no use for a while. */
  readonly blocked: { readonly untilMs: number; readonly kind: ProviderErrorKind } | undefined;
  readonly failuresInRow: number;
  /** Since when nothing failed; -Infinity when nothing ever did. */
  readonly wellSinceMs: number;
  /** When the newest successful call began: it outweighs every earlier failure, whichever process saw that. */
  readonly provenMs: number;
  readonly lastFailure: (Failure & { readonly atMs: number }) | undefined;
  readonly lastCheckMs: number | undefined;
  readonly connect: LatencySummary | undefined;
  readonly first: LatencySummary | undefined;
}

export type Admission = 'ready' | 'trial';

/** The health of one provider, as a board keeps it. */
export class ProviderHealth {
  readonly #settings: FailoverSettings;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  readonly #connect = new LatencyWindow();
  readonly #first = new LatencyWindow();
  #suspect: Health['suspect'];
  #blocked: Health['blocked'];
  #failuresInRow = 0;
  #invalidInRow = 0;
  #cutOffsInRow = 0;
  #wellSinceMs = Number.NEGATIVE_INFINITY;
  #provenMs = Number.NEGATIVE_INFINITY;
  #lastFailure: Health['lastFailure'];
  #lastCheckMs: number | undefined;
  #restoredConnect: LatencySummary | undefined;
  #restoredFirst: LatencySummary | undefined;

  constructor(settings: FailoverSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#breaker = new Breaker(settings.breaker);
  }

  snapshot(): Health {
    const nowMs = this.#clock.now();
    return {
      breaker: this.#breaker.state(nowMs),
      suspect: this.#suspect,
      blocked: this.#blocked && this.#blocked.untilMs > nowMs ? this.#blocked : undefined,
      failuresInRow: this.#failuresInRow,
      wellSinceMs: this.#wellSinceMs,
      provenMs: this.#provenMs,
      lastFailure: this.#lastFailure,
      lastCheckMs: this.#lastCheckMs,
      connect: fuller(this.#connect.summary(), this.#restoredConnect),
      first: fuller(this.#first.summary(), this.#restoredFirst),
    };
  }

  /** Takes over what another process knows. */
  restore(health: Health): void {
    this.#breaker.restore(health.breaker);
    this.#suspect = health.suspect;
    this.#blocked = health.blocked;
    this.#failuresInRow = health.failuresInRow;
    this.#wellSinceMs = health.wellSinceMs;
    this.#provenMs = health.provenMs;
    this.#lastFailure = health.lastFailure;
    this.#lastCheckMs = health.lastCheckMs;
    this.#restoredConnect = health.connect;
    this.#restoredFirst = health.first;
  }

  /** What `admit` would return, without taking a trial's place. */
  peek(): Admission | undefined {
    const nowMs = this.#clock.now();
    if (this.#blocked && this.#blocked.untilMs > nowMs) return undefined;
    const breaker = this.#breaker.state(nowMs);
    const { trials } = this.#settings.breaker;
    if (breaker.kind === 'open') return undefined;
    if (breaker.kind === 'half-open') return breaker.trials < trials ? 'trial' : undefined;
    if (!this.#suspect) return 'ready';
    return this.#suspect.untilMs <= nowMs && this.#suspect.trials < trials ? 'trial' : undefined;
  }

  /** Whether the provider may be called now; undefined = no. A trial counts as under way until its outcome is reported. */
  admit(): Admission | undefined {
    const admission = this.peek();
    if (admission !== 'trial') return admission;
    const nowMs = this.#clock.now();
    if (this.#breaker.state(nowMs).kind === 'half-open') this.#breaker.admit(nowMs);
    else if (this.#suspect) this.#suspect = { ...this.#suspect, trials: this.#suspect.trials + 1 };
    return 'trial';
  }

  report(outcome: Outcome): void {
    switch (outcome.type) {
      case 'success':
        this.#succeed(outcome);
        break;
      case 'failure':
        this.#release(outcome.trial);
        if (outcome.waitedMs !== undefined) this.#first.add(outcome.waitedMs);
        this.#fail(outcome.failure, outcome.checkable);
        break;
      case 'cut-off':
        this.#release(outcome.trial);
        this.#cutOff(outcome.checkable);
        break;
      case 'release':
        this.#release(outcome.trial);
        break;
      case 'check-passed':
        this.#checkPassed();
        break;
      case 'check-failed':
        this.#lastCheckMs = this.#clock.now();
        this.#fail(outcome.failure, true, true);
        break;
    }
  }

  #succeed({ trial, startedMs, connectMs, firstMs }: Extract<Outcome, { type: 'success' }>): void {
    if (connectMs !== undefined) this.#connect.add(connectMs);
    if (firstMs !== undefined) this.#first.add(firstMs);
    if (this.#lastFailure && startedMs < this.#lastFailure.atMs) {
      this.#release(trial);
      return;
    }
    const nowMs = this.#clock.now();
    // The provider answered when called as the last resort: that is as good as a trial.
    if (this.#breaker.state(nowMs).kind === 'open') this.#breaker.halfOpen();
    this.#breaker.succeed(nowMs, trial);
    this.#provenMs = Math.max(this.#provenMs, startedMs);
    this.#suspect = undefined;
    this.#blocked = undefined;
    this.#failuresInRow = 0;
    this.#invalidInRow = 0;
    this.#cutOffsInRow = 0;
  }

  #cutOff(checkable: boolean): void {
    this.#cutOffsInRow += 1;
    if (this.#cutOffsInRow < CUT_OFFS_IN_ROW) return;
    const message = `closed ${this.#cutOffsInRow} connections in a row right after it had accepted them: the key may be refused`;
    this.#fail({ kind: 'auth', message, ...(!checkable && { retryAfterMs: CUT_OFFS_UNCHECKED_MS }) }, checkable);
  }

  #release(trial: boolean): void {
    if (!trial) return;
    this.#breaker.release(this.#clock.now());
    if (this.#suspect) this.#suspect = { ...this.#suspect, trials: Math.max(0, this.#suspect.trials - 1) };
  }

  /** A failed check renews the suspect state, which keeps calls away; the breaker counts only failures of calls. */
  #fail(failure: Failure, checkable: boolean, isCheck = false): void {
    const nowMs = this.#clock.now();
    this.#lastFailure = { ...failure, atMs: nowMs };
    const { breaker, coolDown } = DISPOSITIONS[failure.kind];
    const coolDownMs =
      failure.retryAfterMs ??
      (typeof coolDown === 'object' ? coolDown.ms : coolDown === 'until-changed' ? Number.POSITIVE_INFINITY : 0);
    if (breaker === 'opens') {
      this.#wellSinceMs = nowMs;
      this.#breaker.open(nowMs + coolDownMs);
    } else if (breaker === 'counts') {
      this.#wellSinceMs = nowMs;
      if (!isCheck) {
        this.#failuresInRow += 1;
        this.#breaker.fail(nowMs);
      }
      this.#suspect = { untilMs: nowMs + this.#suspectMs(failure, checkable), trials: this.#suspect?.trials ?? 0 };
    } else if (failure.kind === 'invalid-request') {
      this.#invalidInRow += 1;
      if (this.#invalidInRow < INVALID_REQUESTS_IN_ROW) return;
      this.#blocked = { untilMs: nowMs + INVALID_REQUESTS_COOL_DOWN_MS, kind: failure.kind };
    } else {
      this.#blocked = { untilMs: nowMs + coolDownMs, kind: failure.kind };
    }
  }

  /** How long the provider stays suspect without checks; a passed check ends that earlier. */
  #suspectMs({ retryAfterMs }: Failure, checkable: boolean): number {
    return retryAfterMs ?? (checkable ? 2 * this.#settings.checkEveryMs : this.#settings.uncheckedMs);
  }

  #checkPassed(): void {
    const nowMs = this.#clock.now();
    this.#lastCheckMs = nowMs;
    if (this.#suspect) this.#suspect = { ...this.#suspect, untilMs: nowMs };
    // A check asks for less than a call, so it does not undo failures in a row. It does undo a refused key, even where a call of
    // the last resort has failed otherwise since.
    const breaker = this.#breaker.state(nowMs);
    const isForGood = breaker.kind === 'open' && breaker.untilMs === Number.POSITIVE_INFINITY;
    const isRefused = this.#lastFailure && DISPOSITIONS[this.#lastFailure.kind].breaker === 'opens';
    if (isForGood || isRefused) this.#breaker.halfOpen();
  }
}

/** The summary of more measurements: another process may have those of more calls than this one makes. */
function fuller(own: LatencySummary | undefined, elsewhere: LatencySummary | undefined): LatencySummary | undefined {
  return own && elsewhere && elsewhere.count > own.count ? elsewhere : (own ?? elsewhere);
}
