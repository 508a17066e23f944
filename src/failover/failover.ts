// Who serves next: what a chain asks, and tells how it went. Knows neither audio nor text nor vendors.
import type { Deadlines, ProviderTraits } from '../config/provider.ts';
import { Attempt } from './attempt.ts';
import { boardIds, keyId, serviceId } from './board-ids.ts';
import { type Clock, systemClock } from './clock.ts';
import { learnedDeadlineMs, learnedHelpMs, learnedUrgentMs, STAGE_DEADLINES } from './deadline.ts';
import { DISPOSITIONS } from './disposition.ts';
import type { Admission, Health } from './health.ts';
import type { HealthBoard } from './health-board.ts';
import { HedgeBudget } from './hedge.ts';
import { type OrderBy, orderLinks } from './order.ts';
import type { ProviderError, ProviderErrorKind } from './provider-error.ts';
import { RetryBudget } from './retry-budget.ts';
import { DEFAULT_FAILOVER, type FailoverSettings, type Stage } from './settings.ts';
import type { TurnOpenings } from './turn-openings.ts';

/** What a link of any stage tells the policy about itself. */
export interface FailoverLink {
  readonly id: string;
  readonly title?: string;
  readonly traits: ProviderTraits;
  readonly client: { check?(signal: AbortSignal): Promise<void> };
  /** Lower is asked earlier; its place in the chain where absent. */
  readonly priority?: number;
  /** The link to ask next when this one fails, whatever the order says. */
  readonly fallbackTo?: string;
  /** Names the key without revealing it: with several keys, each key has a link of its own with the same id. */
  readonly keyFingerprint?: string;
}

/** One provider took over from another. */
export interface Switch {
  readonly stage: Stage;
  readonly from: string;
  readonly to: string;
  readonly kind: ProviderErrorKind;
  readonly status?: number | undefined;
  /** The failed provider's own words. */
  readonly message: string;
  /** Milliseconds from the moment at which the failure was noticed to the next provider's first result. */
  readonly tookMs: number;
  /** How much of the stage's result was kept from the failed provider. */
  readonly wordsKept?: number;
  readonly audioReplayedMs?: number;
}

export interface Hedge {
  readonly stage: Stage;
  readonly late: string;
  readonly beside: string;
  readonly outcome: 'won' | 'lost';
}

export interface FailoverEvents {
  /** Called for every attempt when it is over. */
  onAttempt?(stage: Stage, provider: string, outcome: 'success' | 'failure' | 'release', firstMs?: number): void;
  onFailure?(stage: Stage, provider: string, error: ProviderError): void;
  onSwitch?(event: Switch): void;
  onHedge?(event: Hedge): void;
  /** Another link than before gives the results from now on. `isReserve`: it is a last resort, and the chain has better links. */
  onServes?(stage: Stage, provider: string, isReserve: boolean): void;
  /** No link is left; the chain goes on trying. */
  onExhausted?(stage: Stage, error: ProviderError): void;
  /** After `onExhausted`, a link gives results again. */
  onRecovered?(stage: Stage, provider: string): void;
}

export interface FailoverOptions extends FailoverEvents {
  /** Shared by all calls; the board of this process where absent. */
  readonly board?: HealthBoard;
  readonly settings?: FailoverSettings;
  readonly orderBy?: OrderBy;
  readonly region?: string;
  readonly clock?: Clock;
  /** As Math.random. */
  readonly random?: () => number;
}

export interface NextOptions<Link> {
  /** The link that failed before, for its `fallbackTo`. */
  readonly after?: Link | undefined;
  /** No other link serves: a link that is not well is better than none. */
  readonly isLastResort?: boolean;
  /** A late link that may still answer: no reserve is started beside it, unless it is a reserve itself. */
  readonly beside?: Link | undefined;
  /** Attempts and failures of the turn so far. */
  readonly turn?: TurnOpenings<Link> | undefined;
}

const HELP_TO_FAILED = 1.5;

export class Failover<Link extends FailoverLink> {
  readonly stage: Stage;
  readonly clock: Clock;
  readonly settings: FailoverSettings;
  readonly random: () => number;
  readonly events: FailoverEvents;
  readonly board: HealthBoard;
  readonly links: readonly Link[];
  readonly #options: FailoverOptions;
  readonly #hedges: HedgeBudget;
  readonly #retries = new RetryBudget();
  #turn = 0;
  /** The link that served last: its voice is kept until a better link has been well for a while. */
  #serving: Link | undefined;
  #isExhausted = false;

  /** @throws RangeError when `links` is empty */
  constructor(stage: Stage, links: readonly Link[], options: FailoverOptions & { readonly board: HealthBoard }) {
    if (links.length === 0) throw new RangeError('a chain needs at least one link');
    this.stage = stage;
    this.links = links;
    this.clock = options.clock ?? systemClock;
    this.settings = options.settings ?? DEFAULT_FAILOVER;
    this.random = options.random ?? Math.random;
    this.board = options.board;
    this.events = options;
    this.#options = options;
    this.#hedges = new HedgeBudget(this.settings.hedgeShare, this.clock);
    // A shared board grants trials on request: asking now brings the answer before the first work comes.
    for (const link of links) this.#admission(link, 'peek');
  }

  /** The link that would be asked now; the first one where no link is well. */
  get active(): Link {
    const ordered = this.order();
    return ordered.find((link) => this.#admission(link, 'peek') === 'ready') ?? (ordered[0] as Link);
  }

  /** All links in the order in which they would be asked at a turn boundary, whatever their health. */
  order(): Link[] {
    const links = this.links.map((link, place) => ({
      id: link.id,
      traits: link.traits,
      priority: link.priority ?? place,
      link,
    }));
    const { orderBy, region } = this.#options;
    const load = (id: string) => this.board.load(serviceId(this.stage, { id }));
    return orderLinks(links, { orderBy, region, load, turn: this.#turn }).map(({ link }) => link);
  }

  /**
   * An attempt at the best link that may be called now; undefined when no link is left. A link that is not well is given only to
   * an operation that no other link serves (`isLastResort`).
   */
  next(
    tried: ReadonlySet<Link>,
    { after, isLastResort = false, beside, turn }: NextOptions<Link> = {},
  ): Attempt<Link> | undefined {
    if (tried.size === 0) this.#turn += 1;
    const mayBe = (link: Link) => (turn?.allows(link) ?? true) && (!beside || !isWorse(link, beside));
    const open = (link: Link, admission: Admission) => {
      turn?.opened();
      return this.#attempt(link, admission);
    };
    const candidates = this.#candidates(tried, after).filter(mayBe);
    // A trial costs a second request, as another link works beside it: the hedge budget pays for it, unless no other link is well.
    const isAffordable = (link: Link) =>
      this.#admission(link, 'peek') !== 'trial' || this.#hedges.isOff || this.#hedges.spend(true);
    for (const isEnough of [isAffordable, () => true]) {
      for (const link of candidates) {
        const admission = isEnough(link) ? this.#admission(link, 'admit') : undefined;
        if (admission) return open(link, admission);
      }
    }
    if (!isLastResort) return undefined;
    const rest = this.order().filter((link) => !tried.has(link) && mayBe(link));
    const hopeful = rest.find((link) => !this.#isRefused(link)) ?? rest[0];
    return hopeful && open(hopeful, 'ready');
  }

  /**
   * Another attempt at the same link, if its failure, its breaker and the retry budget allow; after a result only with
   * `evenAfterResult`.
   */
  again(
    failed: Attempt<Link>,
    error: ProviderError,
    { evenAfterResult = false, turn }: { evenAfterResult?: boolean; turn?: TurnOpenings<Link> | undefined } = {},
  ): Attempt<Link> | undefined {
    const isOver = failed.isTrial || (failed.hasResult && !evenAfterResult) || turn?.allows(failed.link) === false;
    if (isOver || DISPOSITIONS[error.kind].again !== 'once' || !this.#retries.allows()) return undefined;
    if (this.#ids(failed.link).some((id) => this.board.health(id).breaker.kind !== 'closed')) return undefined;
    turn?.opened();
    return this.#attempt(failed.link, 'ready');
  }

  /** A long-lived session went well for a turn: reports that, and returns an attempt that watches it for the next turn. */
  renew(served: Attempt<Link>): Attempt<Link> {
    served.succeed();
    return this.#attempt(served.link, 'ready', true);
  }

  /** The link that `next` would give to a new operation; undefined where no link is well. Takes no trial's place. */
  get upNext(): Link | undefined {
    return this.#candidates(new Set(), undefined).find((link) => this.mayServe(link));
  }

  /** Whether the link may be called now; takes no trial's place. */
  mayServe(link: Link): boolean {
    return this.#admission(link, 'peek') !== undefined;
  }

  /** Reports that a free check of the link passed. */
  checkPassed(link: Link): void {
    for (const id of this.#ids(link)) this.board.report(id, { type: 'check-passed' });
  }

  /**
   * Whether a hedge may be started beside this attempt; the budget is then spent. For a trial, it was spent when the trial began.
   * @param isUrgent it may have failed; where absent, as the attempt's own waits tell
   */
  mayHedge(beside: Attempt<Link>, isUrgent = beside.isVeryLate): boolean {
    return beside.isTrial || this.#hedges.spend(isUrgent);
  }

  /** Reports which link serves from now on. */
  serves(link: Link): void {
    if (this.#serving?.id !== link.id) {
      const isReserve = this.links.some((other) => isWorse(link, other));
      this.events.onServes?.(this.stage, link.id, isReserve);
    }
    this.#serving = link;
    if (!this.#isExhausted) return;
    this.#isExhausted = false;
    this.events.onRecovered?.(this.stage, link.id);
  }

  /** Every link failed, and none has served since. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** Reports that every link failed. */
  exhausted(error: ProviderError): void {
    this.#isExhausted = true;
    this.events.onExhausted?.(this.stage, error);
  }

  /** Waits that fit the board's latest measurements of the link. */
  #deadlines(link: Link, { connect, first }: Health): Deadlines {
    const given = { ...STAGE_DEADLINES[this.stage], ...link.traits.deadlines };
    // However quick the link was so far, a hedge beside it has time to answer before the link has failed.
    const leastMs = Math.min(given.firstMs, HELP_TO_FAILED * given.firstHelpMs);
    const firstMs = Math.max(leastMs, learnedDeadlineMs(given.firstMs, first));
    return {
      ...given,
      connectMs: learnedDeadlineMs(given.connectMs, connect),
      firstMs,
      firstHelpMs: learnedHelpMs(given.firstHelpMs, firstMs, first, link.traits.typicalFirstMs),
    };
  }

  #candidates(tried: ReadonlySet<Link>, after: Link | undefined): Link[] {
    const rest = this.order().filter((link) => !tried.has(link));
    const fallback = after?.fallbackTo && rest.find((link) => link.id === after.fallbackTo);
    if (fallback) return [fallback, ...rest.filter((link) => link !== fallback)];
    const serving = this.#serving;
    if (this.stage !== 'tts' || !serving || !rest.includes(serving)) return rest;
    const since = this.clock.now() - this.settings.voiceReturnMs;
    const steady = rest.filter(
      (link) => link === serving || this.board.health(this.#serviceId(link)).wellSinceMs <= since,
    );
    return [...steady, ...rest.filter((link) => !steady.includes(link))];
  }

  #attempt(link: Link, admission: Admission, isConnected = false): Attempt<Link> {
    this.#hedges.started();
    const isTrial = admission === 'trial';
    const leave = this.#options.orderBy === 'load' ? this.board.occupy(this.#serviceId(link)) : undefined;
    const health = this.board.health(this.#serviceId(link));
    const deadlines = this.#deadlines(link, health);
    return new Attempt({
      link,
      provider: link.id,
      isTrial,
      isConnected,
      deadlines,
      firstUrgentMs: learnedUrgentMs(deadlines.firstMs, health.first, link.traits.typicalFirstMs),
      clock: this.clock,
      report: (outcome, error) => {
        leave?.();
        const [service, key] = [this.#serviceId(link), this.#keyId(link)];
        if (outcome.type === 'failure' && DISPOSITIONS[outcome.failure.kind].breaker === 'untold') {
          for (const id of this.#ids(link)) this.board.report(id, { type: 'release', trial: isTrial });
          this.events.onFailure?.(this.stage, link.id, error as ProviderError);
        } else if (outcome.type === 'failure') {
          const blamed = DISPOSITIONS[outcome.failure.kind].breaker === 'counts' ? service : key;
          const checkable = link.client.check !== undefined;
          const { failure, isCutOff, waitedMs } = outcome;
          const late = waitedMs === undefined ? {} : { waitedMs };
          this.board.report(blamed, { type: 'failure', failure, trial: isTrial, checkable, ...late });
          const other = blamed === service ? key : service;
          if (other !== blamed && !isCutOff) this.board.report(other, { type: 'release', trial: isTrial });
          if (isCutOff) this.board.report(key, { type: 'cut-off', trial: isTrial && key !== blamed, checkable });
          this.#retries.failed();
          this.events.onFailure?.(this.stage, link.id, error as ProviderError);
        } else {
          for (const id of this.#ids(link)) this.board.report(id, { ...outcome, trial: isTrial });
          if (outcome.type === 'success') this.#retries.succeeded();
        }
        const firstMs = outcome.type === 'success' ? outcome.firstMs : undefined;
        this.events.onAttempt?.(this.stage, link.id, outcome.type, firstMs);
      },
    });
  }

  /** Asks the board about the service, and about the key where the link has one. */
  #admission(link: Link, ask: 'peek' | 'admit'): Admission | undefined {
    const ids = this.#ids(link);
    const seen = ids.map((id) => this.board.peek(id));
    if (seen.includes(undefined)) return undefined;
    const admissions = ask === 'peek' ? seen : ids.map((id) => this.board.admit(id));
    return admissions.includes('trial') ? 'trial' : 'ready';
  }

  /** Whether the link was refused for a reason that only a change can mend: other links are tried before it. */
  #isRefused(link: Link): boolean {
    const { breaker } = this.board.health(this.#keyId(link));
    return breaker.kind === 'open' && breaker.untilMs === Number.POSITIVE_INFINITY;
  }

  /** The link's ids on the board: the service, and the key where there is one. */
  #ids(link: Link): string[] {
    return boardIds(this.stage, link);
  }

  #serviceId(link: Link): string {
    return serviceId(this.stage, link);
  }

  #keyId(link: Link): string {
    return keyId(this.stage, link);
  }
}

/** Whether `link` serves only when `other` has failed. */
function isWorse(link: FailoverLink, other: FailoverLink): boolean {
  return link.traits.isReserve === true && other.traits.isReserve !== true;
}

/** Two plugins of one vendor have the same label: a number in the id keeps their healths apart. */
export function distinct<Link extends FailoverLink>(links: readonly Link[]): Link[] {
  const seen = new Map<string, number>();
  return links.map((link) => {
    if (link.keyFingerprint !== undefined) return link;
    const count = (seen.get(link.id) ?? 0) + 1;
    seen.set(link.id, count);
    return count === 1 ? link : { ...link, id: `${link.id}#${count}` };
  });
}
