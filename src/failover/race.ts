// Gets the first result of an operation from whoever gives it: the next after a failure, a second beside a late one.
import type { Attempt } from './attempt.ts';
import type { Failover, FailoverLink } from './failover.ts';
import { ProviderError, serverError } from './provider-error.ts';
import type { TurnOpenings } from './turn-openings.ts';

/** One attempt under way. */
export interface Runner {
  /** Settles with the first result: resolves, or rejects with a ProviderError. */
  readonly first: Promise<void>;
  /** Ends the run without a verdict. */
  cancel(): void;
}

export interface RaceOptions<Link extends FailoverLink, Run extends Runner> {
  readonly failover: Failover<Link>;
  readonly start: (attempt: Attempt<Link>) => Run;
  /** Links that failed this operation already; the race adds to it. */
  readonly tried: Set<Link>;
  /** The link that failed before the race, for its `fallbackTo`. */
  readonly after?: Link | undefined;
  /** A late attempt outside of the race, which runs beside it: it may still answer first. */
  readonly beside?: Attempt<Link> | undefined;
  /** Attempts and failures of the turn so far; the race adds to it. */
  readonly turn: TurnOpenings<Link>;
  /** Two links may work at once: a second beside a late first one, or the next beside a link that gets a second chance. */
  readonly mayHedge: boolean;
  readonly signal: AbortSignal;
}

export interface Winner<Link, Run> {
  readonly attempt: Attempt<Link>;
  readonly run: Run;
  /** The last failure during the race; undefined where no link failed. */
  readonly failed: { readonly link: Link; readonly error: ProviderError; readonly atMs: number } | undefined;
}

/**
 * @returns the winner, or undefined when `signal` aborts, or when nobody is left to be run beside another
 * @throws ProviderError of the last failure when nobody is left, or that of one who refused the content
 */
export function raceForFirst<Link extends FailoverLink, Run extends Runner>(
  options: RaceOptions<Link, Run>,
): Promise<Winner<Link, Run> | undefined> {
  return new Race(options).result;
}

class Race<Link extends FailoverLink, Run extends Runner> {
  readonly result: Promise<Winner<Link, Run> | undefined>;
  readonly #options: RaceOptions<Link, Run>;
  readonly #running = new Map<Attempt<Link>, Run>();
  readonly #retried = new Set<Link>();
  readonly #lateOf = new Map<Attempt<Link>, Link>();
  /** Late attempts and second chances: the race does not rely on them alone. */
  readonly #suspects = new Set<Attempt<Link>>();
  /** Late attempts that had another one started beside them. */
  readonly #helped = new Set<Attempt<Link>>();
  #failed: Winner<Link, Run>['failed'];
  #refused: ProviderError | undefined;
  #resolve!: (winner: Winner<Link, Run> | undefined) => void;
  #reject!: (error: unknown) => void;
  #isOver = false;

  readonly #abort = (): void => {
    if (this.#options.beside && !this.#isOver) this.#tellHedges();
    this.#isOver = true;
    for (const [attempt, run] of this.#running) {
      run.cancel();
      attempt.release();
    }
    this.#running.clear();
    this.#resolve(undefined);
  };

  constructor(options: RaceOptions<Link, Run>) {
    this.#options = options;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { signal } = options;
    if (signal.aborted) {
      this.#resolve(undefined);
      return;
    }
    signal.addEventListener('abort', this.#abort, { once: true });
    this.#startNext(options.after ?? options.beside?.link, options.beside);
  }

  /** Starts the next link, where one is left. */
  #startNext(after?: Link, late?: Attempt<Link>): void {
    const { failover, tried, turn, beside: outside } = this.#options;
    const atWork = [...this.#running.keys(), ...(outside ? [outside] : [])];
    // A trial is of a link that failed before: any link, even a reserve, may serve meanwhile.
    const beside = atWork.find(({ isTrial }) => !isTrial)?.link;
    const attempt = failover.next(tried, { after, isLastResort: atWork.length === 0, beside, turn });
    if (!attempt) {
      if (this.#running.size === 0) this.#exhausted();
      return;
    }
    tried.add(attempt.link);
    if (late) this.#lateOf.set(attempt, late.link);
    this.#run(attempt);
  }

  #run(attempt: Attempt<Link>): void {
    attempt.onLate(() => this.#help(attempt));
    const run = this.#options.start(attempt);
    this.#running.set(attempt, run);
    run.first.then(
      () => this.#won(attempt, run),
      (error: unknown) => this.#lost(attempt, run, error),
    );
  }

  /** Starts the next link beside one that is late, unless that was done already. */
  #help(late: Attempt<Link>): void {
    if (this.#isOver || !this.#running.has(late) || this.#helped.has(late)) return;
    this.#suspects.add(late);
    // Another attempt under way is not late and may be quicker: no further link is started beside two.
    const isHelped = [...this.#running.keys()].some((running) => !this.#suspects.has(running));
    if (isHelped || !this.#options.mayHedge || !this.#options.failover.mayHedge(late)) return;
    this.#helped.add(late);
    this.#startNext(late.link, late);
  }

  #won(attempt: Attempt<Link>, run: Run): void {
    this.#running.delete(attempt);
    if (this.#isOver) {
      // The attempt was late but is well: its time is measured, its result is not needed.
      attempt.succeed();
      run.cancel();
      this.#leave();
      return;
    }
    this.#tellHedges(attempt);
    this.#isOver = true;
    // Links that were merely slower did not fail: they may take over when the winner breaks.
    for (const { link } of this.#running.keys()) if (!this.#retried.has(link)) this.#options.tried.delete(link);
    // Beaten attempts go on until they answer or fail: otherwise a dead provider would never be noticed.
    this.#resolve({ attempt, run, failed: this.#failed });
    this.#leave();
  }

  #lost(attempt: Attempt<Link>, run: Run, cause: unknown): void {
    this.#running.delete(attempt);
    const { failover } = this.#options;
    const error = serverError(attempt.link.id, cause);
    run.cancel();
    attempt.fail(error);
    this.#options.turn.failed(attempt.link);
    if (this.#isOver) {
      this.#leave();
      return;
    }
    if (error.kind === 'content-refusal') this.#refused = error;
    const atMs = this.#failed?.link === attempt.link ? this.#failed.atMs : failover.clock.now();
    this.#failed = { link: attempt.link, error, atMs };
    this.#secondChance(attempt, error);
    // An attempt under way that is neither late nor a second chance is already the next one.
    if ([...this.#running.keys()].some((running) => !this.#suspects.has(running))) return;
    if (this.#running.size === 0 || this.#options.mayHedge) this.#startNext(attempt.link);
  }

  /**
   * Asks the same link again where DISPOSITIONS says so. The next link starts beside it, so that the caller does not wait for a
   * second failure; where two may not work at once, the same link is asked only if there is no next.
   */
  #secondChance(failed: Attempt<Link>, error: ProviderError): void {
    const { failover, mayHedge, tried } = this.#options;
    if (this.#retried.has(failed.link)) return;
    const hasNext = () => failover.links.some((link) => !tried.has(link) && failover.mayServe(link));
    if (!mayHedge && (this.#running.size > 0 || hasNext())) return;
    const again = failover.again(failed, error, { turn: this.#options.turn });
    if (!again) return;
    this.#retried.add(again.link);
    this.#suspects.add(again);
    this.#run(again);
  }

  #exhausted(): void {
    const { failover } = this.#options;
    this.#isOver = true;
    this.#leave();
    if (this.#options.beside) {
      this.#resolve(undefined);
      return;
    }
    const error =
      this.#refused ??
      this.#failed?.error ??
      new ProviderError({ kind: 'server', provider: 'none', message: `no ${failover.stage} provider is left` });
    // Content that a link refused is no outage, whatever made the others fail.
    if (!this.#refused) failover.exhausted(error);
    this.#reject(error);
  }

  /** The signal may live longer than the race, so the race removes its listener. */
  #leave(): void {
    if (this.#running.size === 0) this.#options.signal.removeEventListener('abort', this.#abort);
  }

  #tellHedges(winner?: Attempt<Link>): void {
    const { failover } = this.#options;
    for (const [hedge, late] of this.#lateOf) {
      const outcome = hedge === winner ? 'won' : 'lost';
      failover.events.onHedge?.({ stage: failover.stage, late: late.id, beside: hedge.link.id, outcome });
    }
  }
}
