// Who serves: opens the next session while, and before, the one that serves ends.
import { llm } from '@livekit/agents';
import type { Attempt } from '../failover/attempt.ts';
import { backoffMs } from '../failover/backoff.ts';
import type { Failover } from '../failover/failover.ts';
import type { ProviderError } from '../failover/provider-error.ts';
import { Child } from './child.ts';
import type { RealtimeLink, SessionSetup } from './contract.ts';
import type { ReplySign } from './reply-sign.ts';

/** A session that is not open by then gets a rival. */
const RIVAL_AFTER_MS = 500;
/** So long before the end of a session the next one is opened, but not before half of its time has passed. */
const RENEWAL_MS = 60_000;
/** So long before its end it is replaced even in the middle of a turn. */
const LAST_MOMENT_MS = 1_000;
/** The vendor's handle comes a moment before the end of its reply is seen, whose last words may be late. */
const REST_MS = 1_200;
/** So long the next one may take to open. */
const OPENING_MS = 1_500;
/** Whether one that was down may be tried again is asked of another process: the answer is waited for so long. */
const GRANT_MS = 50;

export interface SuccessionEvents {
  setup(): SessionSetup;
  /** From now on this one serves; `error` says why the one before does no more, where it failed. */
  onServing(child: Child, before: Child | undefined, error: ProviderError | undefined): void;
  /** The one that was to take over failed: the one that serves goes on. */
  onKept(): void;
  /** The one that served failed; the next one is being opened. */
  onLost(child: Child): void;
  /** Nobody is left for now; it goes on trying. */
  onExhausted(error: ProviderError): void;
  /** Nothing is under way that a change of sessions could disturb. */
  isBoundary(): boolean;
  onSpeech(child: Child, isStart: boolean): void;
  onTranscript(child: Child, event: llm.InputTranscriptionCompleted): void;
  onGeneration(child: Child, event: llm.GenerationCreatedEvent): void;
  onSign(child: Child, sign: ReplySign): void;
  onMetrics(metrics: unknown): void;
}

export class Succession {
  readonly #failover: Failover<RealtimeLink>;
  readonly #events: SuccessionEvents;
  readonly #returns: boolean;
  /** Being opened; the first that stands serves. */
  readonly #candidates = new Set<Child>();
  readonly #tried = new Set<RealtimeLink>();
  /** Since the last reply that was complete. */
  readonly #reconnected = new Set<RealtimeLink>();
  readonly #timers = new Set<() => void>();
  /** By which a link's last session can be gone on from, with what it knew then. */
  readonly #handles = new Map<RealtimeLink, { readonly handle: string; readonly known: ReadonlySet<string> }>();
  #child: Child | undefined;
  /** Open beside the one that serves, to take over at a boundary or at the last moment. */
  #heir: Child | undefined;
  #error: ProviderError | undefined;
  #lost: Child | undefined;
  #retries = 0;
  /** The one that serves is about to end: whoever opens takes over at once. */
  #isUrgent = false;
  #isClosed = false;

  /** @param returns whether a better link is gone back to, at a turn boundary */
  constructor(failover: Failover<RealtimeLink>, events: SuccessionEvents, returns: boolean) {
    this.#failover = failover;
    this.#events = events;
    this.#returns = returns;
  }

  get child(): Child | undefined {
    return this.#child;
  }

  /** Another session takes over as soon as it is open: nothing is to be asked of this one. */
  get isChanging(): boolean {
    return this.#isUrgent && this.#heir !== undefined;
  }

  /** Opens the first session in a moment, with all that the owner sets up by then. */
  begin(): void {
    setImmediate(() => {
      if (this.#failover.upNext === this.#failover.order()[0]) this.start();
      else this.#later(GRANT_MS, () => this.start());
    });
  }

  start(): void {
    if (!this.#isClosed && !this.#child && this.#candidates.size === 0) this.#openNext(undefined);
  }

  /** The session that serves gave a result: whoever failed before may be asked again when it fails. */
  wentWell(): void {
    this.#tried.clear();
    this.#retries = 0;
  }

  /** A reply is complete. */
  completed(): void {
    this.#reconnected.clear();
  }

  /** A turn is over: the next one may be another's. */
  atBoundary(): void {
    if (!this.#events.isBoundary()) return;
    if (this.#heir?.isOpen) this.#succeed(this.#heir);
    else if (this.#returns && this.#child && !this.#heir && this.#isBetterThere(this.#child)) this.renew();
  }

  /** Opens another session beside the one that serves: it takes over as soon as nothing is disturbed. */
  renew(): void {
    if (this.#isClosed || this.#heir || !this.#child) return;
    const attempt = this.#failover.next(new Set(this.#returns ? [] : this.#others(this.#child)));
    if (!attempt) return;
    this.#heir = this.#open(attempt);
  }

  /** What a session begins with has changed: another one takes over at once. */
  change(): void {
    this.#heir?.close();
    this.#heir = undefined;
    this.renew();
    this.#isUrgent = this.#heir !== undefined;
  }

  /** Another one takes over from the one that serves, of which it is not clear whether it failed. */
  doubt(error: ProviderError): void {
    const child = this.#child;
    if (!child) return;
    child.retire();
    this.#isLost(child, error);
    this.#openNext(child);
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    for (const child of [...this.#candidates, this.#heir, this.#child]) child?.close();
    this.#candidates.clear();
  }

  #others(child: Child): RealtimeLink[] {
    return this.#failover.links.filter((link) => link !== child.link);
  }

  #isBetterThere(child: Child): boolean {
    const best = this.#failover.upNext;
    return best !== undefined && best !== child.link;
  }

  #openNext(after: Child | undefined, again?: Attempt<RealtimeLink>): void {
    if (this.#isClosed) return;
    const attempt = again ?? this.#failover.next(this.#tried, { after: after?.link, isLastResort: this.#retries > 0 });
    if (!attempt) {
      if (this.#candidates.size === 0) this.#exhausted();
      return;
    }
    this.#tried.add(attempt.link);
    const child = this.#open(attempt, again !== undefined);
    this.#candidates.add(child);
    this.#later(RIVAL_AFTER_MS, () => {
      if (this.#candidates.has(child) && this.#candidates.size === 1) this.#openNext(child);
    });
  }

  #open(attempt: Attempt<RealtimeLink>, isAgain = false): Child {
    const events = this.#events;
    const whileServing =
      <Values extends unknown[]>(tell: (...values: Values) => void) =>
      (...values: Values) =>
        this.#child === child && tell(...values);
    const child: Child = new Child(attempt, this.#failover.clock, {
      onOpened: (opened) => this.#opened(opened),
      onFailed: (failed, error) => this.#failed(failed, error),
      onResumable: (resumable, handle) => this.#resumable(resumable, handle),
      onExpiring: (expiring, inMs) => this.#expiring(expiring, inMs),
      onSpeech: whileServing(events.onSpeech),
      // Also of one that is over: it tells what it had heard.
      onTranscript: events.onTranscript,
      onGeneration: whileServing(events.onGeneration),
      onSign: whileServing(events.onSign),
      onMetrics: whileServing((_child: Child, metrics: unknown) => events.onMetrics(metrics)),
    });
    this.#begin(child, isAgain);
    return child;
  }

  #begin(child: Child, isAgain: boolean): void {
    const setup = this.#events.setup();
    const resumed = isAgain ? this.#handles.get(child.link) : undefined;
    // A handle is good for one session.
    this.#handles.delete(child.link);
    if (!resumed) {
      child.open(setup);
      return;
    }
    const history = new llm.ChatContext(setup.history.items.filter(({ id }) => !resumed.known.has(id)));
    child.open({ ...setup, history, resume: resumed.handle }, resumed.known);
  }

  /** A handle tells not what the session knew: it is kept where the conversation rested a moment later. */
  #resumable(child: Child, handle: string): void {
    this.#handles.delete(child.link);
    this.#later(REST_MS, () => {
      if (this.#child !== child || !this.#events.isBoundary()) return;
      const known = new Set(this.#events.setup().history.items.map(({ id }) => id));
      this.#handles.set(child.link, { handle, known });
    });
  }

  #opened(child: Child): void {
    if (child === this.#heir) {
      if (!this.#child || this.#isUrgent || this.#events.isBoundary()) this.#succeed(child);
      return;
    }
    this.#candidates.delete(child);
    if (this.#child || this.#isClosed) {
      child.close();
      return;
    }
    this.#serve(child, this.#lost, this.#error);
  }

  #failed(child: Child, error: ProviderError): void {
    if (child === this.#heir) {
      this.#heir = undefined;
      this.#events.onKept();
      return;
    }
    if (this.#candidates.delete(child)) {
      // Where nobody has served yet, it is the one that is switched from.
      this.#lost ??= child;
      this.#error ??= error;
      if (this.#candidates.size > 0) return;
      const { couldNotResume, link } = child;
      if (couldNotResume) this.#tried.delete(link);
      this.#openNext(couldNotResume ? undefined : child);
      return;
    }
    if (child !== this.#child) return;
    this.#isLost(child, error);
    if (this.#heir?.isOpen) this.#succeed(this.#heir);
    else this.#openNext(child, this.#again(child, error));
  }

  /** The same vendor once more; one that failed twice in one turn is left for the next. */
  #again(child: Child, error: ProviderError): Attempt<RealtimeLink> | undefined {
    if (this.#reconnected.has(child.link)) return undefined;
    const attempt = this.#failover.again(child.attempt, error, { evenAfterResult: true });
    if (attempt) this.#reconnected.add(child.link);
    return attempt;
  }

  #isLost(child: Child, error: ProviderError): void {
    this.#child = undefined;
    this.#lost = child;
    this.#error = error;
    this.#tried.clear();
    this.#tried.add(child.link);
    this.#events.onLost(child);
  }

  #succeed(heir: Child): void {
    const before = this.#child;
    this.#heir = undefined;
    this.#child = undefined;
    this.#serve(heir, before ?? this.#lost, before ? undefined : this.#error);
    before?.close();
  }

  #serve(child: Child, before: Child | undefined, error: ProviderError | undefined): void {
    this.#child = child;
    this.#isUrgent = false;
    this.#error = undefined;
    this.#lost = undefined;
    // Those that are still being opened are waited for: a black hole among them is to be found out.
    this.#candidates.clear();
    this.#failover.serves(child.link);
    this.#events.onServing(child, before, error);
  }

  #expiring(child: Child, inMs: number): void {
    const isIts = () => this.#child === child && !this.#isClosed;
    const lastMs = Math.max(0, inMs - LAST_MOMENT_MS);
    this.#later(Math.min(Math.max(inMs / 2, inMs - RENEWAL_MS), Math.max(0, lastMs - OPENING_MS)), () => {
      if (isIts()) this.renew();
      this.atBoundary();
    });
    this.#later(lastMs, () => {
      if (!isIts()) return;
      if (this.#heir?.isOpen) this.#succeed(this.#heir);
      else this.#isUrgent = true;
    });
  }

  #exhausted(): void {
    const error = this.#error;
    if (error && this.#retries === 0) this.#events.onExhausted(error);
    this.#retries += 1;
    this.#later(backoffMs(this.#retries, this.#failover.random), () => {
      this.#tried.clear();
      this.start();
    });
  }

  #later(ms: number, work: () => void): void {
    const cancel = this.#failover.clock.setTimeout(() => {
      this.#timers.delete(cancel);
      if (!this.#isClosed) work();
    }, ms);
    this.#timers.add(cancel);
  }
}
