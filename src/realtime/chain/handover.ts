// Who serves: opens the next session while, and before, the one that serves ends.
import { llm } from '@livekit/agents';
import type { Attempt } from '../../failover/attempt.ts';
import { backoffMs } from '../../failover/backoff.ts';
import type { Failover } from '../../failover/failover.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import { TurnOpenings } from '../../failover/turn-openings.ts';
import type { ReplySign } from '../adapter-contract.ts';
import type { RealtimeLink, SessionSetup } from '../contract.ts';
import { RealtimeLinkSession } from './link-session.ts';

/** The standby session is opened this long before a session's end, but not before half of its time has passed. */
const RENEWAL_MS = 60_000;
/** A session is replaced this long before its end even in the middle of a turn. */
const LAST_MOMENT_MS = 1_000;
/** The vendor sends its resumption handle shortly before it reports the end of the reply, whose last words may be late. */
const REST_MS = 1_200;
/** A handshake takes 250 to 1,000 ms; a session that was opened beside an earlier one waits this long for it. */
const USUAL_OPENING_MS = 1_000;
/** Time limit for the standby session to open and to accept the conversation. */
const OPENING_MS = 5_000;
/** Wait for another process to answer whether a link that was down may be tried again. */
const GRANT_MS = 50;

export interface HandoverEvents {
  setup(): SessionSetup;
  /** `session` serves from now on; `error` says why `before` stopped serving, where it failed. */
  onServing(
    session: RealtimeLinkSession,
    before: RealtimeLinkSession | undefined,
    error: ProviderError | undefined,
  ): void;
  /** The standby session failed: the serving session goes on. */
  onKept(): void;
  /** The serving session failed; the next one is being opened. */
  onLost(session: RealtimeLinkSession): void;
  /** The serving session is late with what is due. @returns whether another session beside it could help */
  onLate(session: RealtimeLinkSession): boolean;
  /** The hedge session is open: it is to be given the work that is due. */
  onRival(rival: RealtimeLinkSession): void;
  /** The hedge session spoke first and serves from now on; `won` holds what it had heard until then. */
  onWon(rival: RealtimeLinkSession, won: Won): void;
  /** The late session that `by` overtook gave nothing after all: it failed, and `by` has taken its place. */
  onReplaced(late: RealtimeLinkSession, by: RealtimeLinkSession, error: ProviderError): void;
  /** No link is left for now; the chain goes on trying. */
  onExhausted(error: ProviderError): void;
  /** Whether nothing is under way that a change of sessions could disturb. */
  isBoundary(): boolean;
  onSpeech(session: RealtimeLinkSession, isStart: boolean): void;
  onTranscript(session: RealtimeLinkSession, event: llm.InputTranscriptionCompleted): void;
  onWordless(session: RealtimeLinkSession): void;
  onGeneration(session: RealtimeLinkSession, event: llm.GenerationCreatedEvent): void;
  onSign(session: RealtimeLinkSession, sign: ReplySign): void;
  onMetrics(metrics: unknown): void;
}

interface Rival {
  readonly session: RealtimeLinkSession;
  generation?: llm.GenerationCreatedEvent;
  hasBegun: boolean;
  readonly heard: llm.InputTranscriptionCompleted[];
}

export interface Won extends Required<Pick<Rival, 'generation' | 'heard'>> {
  /** The session that failed meanwhile, if any; `error` says how. */
  readonly lost: RealtimeLinkSession | undefined;
  readonly error: ProviderError | undefined;
}

export class Handover {
  readonly #failover: Failover<RealtimeLink>;
  readonly #events: HandoverEvents;
  readonly #returns: boolean;
  /** Sessions that are being opened; the first open one serves. */
  readonly #candidates = new Set<RealtimeLinkSession>();
  readonly #tried = new Set<RealtimeLink>();
  /** Openings and failures since the last complete reply. */
  readonly #turn = new TurnOpenings<RealtimeLink>();
  readonly #timers = new Set<() => void>();
  /** Handles that resume each link's last session, with the ids of the items that the session knew then. */
  readonly #handles = new Map<RealtimeLink, { readonly handle: string; readonly known: ReadonlySet<string> }>();
  #session: RealtimeLinkSession | undefined;
  /** Standby session beside the serving one, to take over at a boundary or at the last moment. */
  #standby: RealtimeLinkSession | undefined;
  /** Hedge session beside the serving one, which is late: the first of the two to speak is heard. */
  #rival: Rival | undefined;
  /** Late sessions, each with the hedge session that overtook it. */
  readonly #overtaken = new Map<RealtimeLinkSession, RealtimeLinkSession>();
  /** An overtaken session answered after all, so its link is well: the chain may return from the hedge to a better link. */
  #mayReturn = false;
  #error: ProviderError | undefined;
  #lost: RealtimeLinkSession | undefined;
  #retries = 0;
  /** The serving session is about to end, or its setup changed: the standby session takes over as soon as it is open. */
  #isUrgent = false;
  #isClosed = false;

  /** @param returns whether a better link is gone back to, at a turn boundary */
  constructor(failover: Failover<RealtimeLink>, events: HandoverEvents, returns: boolean) {
    this.#failover = failover;
    this.#events = events;
    this.#returns = returns;
  }

  get session(): RealtimeLinkSession | undefined {
    return this.#session;
  }

  /** Whether the standby session takes over as soon as it is open: nothing must be asked of the serving one. */
  get isChanging(): boolean {
    return this.#isUrgent && this.#standby !== undefined;
  }

  /** Opens the first session in a moment, with everything that the owner has set up by then. */
  begin(): void {
    setImmediate(() => {
      if (this.#failover.upNext === this.#failover.order()[0]) this.start();
      else this.#later(GRANT_MS, () => this.start());
    });
  }

  start(): void {
    if (!this.#isClosed && !this.#session && this.#candidates.size === 0) this.#openNext(undefined);
  }

  /** The hedge session beside the serving one, once it is open. */
  get rival(): RealtimeLinkSession | undefined {
    return this.#rival?.session.isOpen ? this.#rival.session : undefined;
  }

  /** Call when the serving session gave a result: links that failed before may be tried again when it fails. */
  wentWell(): void {
    this.#tried.clear();
    this.dropRival();
  }

  /** Closes the hedge session: what was due has come, or is not due any more. Neither session failed. */
  dropRival(): void {
    const rival = this.#rival;
    if (!rival) return;
    this.#rival = undefined;
    rival.session.close();
    if (this.#session) this.#tellHedge(this.#session, rival.session, 'lost');
    else this.#openNext(undefined);
  }

  /** Call when the hedge session heard what it was given as speech: it fails if it stays silent from now on. */
  rivalHears(session: RealtimeLinkSession): void {
    if (this.#rival?.session === session) session.expectFirst();
  }

  /** Call when a reply is complete. */
  completed(): void {
    this.#turn.startOver();
    this.#retries = 0;
  }

  /** Call when a turn is over: another session may serve the next one. */
  atBoundary(): void {
    if (!this.#events.isBoundary()) return;
    if (this.#standby?.isOpen) this.#handOverTo(this.#standby);
    else if (this.#goesBack && this.#session && !this.#standby && this.#isBetterThere(this.#session)) this.renew();
  }

  /** Opens a standby session beside the serving one: it takes over as soon as that disturbs nothing. */
  renew(): void {
    if (this.#isClosed || this.#standby || !this.#session) return;
    const attempt = this.#failover.next(new Set(this.#goesBack ? [] : this.#others(this.#session)));
    if (!attempt) return;
    this.#standby = this.#open(attempt);
  }

  /** Call when the session setup has changed: a session with the new setup takes over as soon as it is open. */
  change(): void {
    this.#standby?.close();
    this.#standby = undefined;
    this.renew();
    this.#isUrgent = this.#standby !== undefined;
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    const beside = [this.#standby, this.#rival?.session, ...this.#overtaken.keys()];
    for (const session of [...this.#candidates, ...beside, this.#session]) session?.close();
    this.#candidates.clear();
  }

  get #goesBack(): boolean {
    return this.#returns || this.#mayReturn;
  }

  #others(session: RealtimeLinkSession): RealtimeLink[] {
    return this.#failover.links.filter((link) => link !== session.link);
  }

  #isBetterThere(session: RealtimeLinkSession): boolean {
    const best = this.#failover.upNext;
    return best !== undefined && best !== session.link;
  }

  #openNext(after: RealtimeLinkSession | undefined, again?: Attempt<RealtimeLink>): void {
    if (this.#isClosed) return;
    const beside = [...this.#candidates][0]?.link;
    const options = { after: after?.link, isLastResort: this.#retries > 0, beside, turn: this.#turn };
    const attempt = again ?? this.#failover.next(this.#tried, options);
    if (!attempt) {
      if (this.#candidates.size === 0) this.#exhausted();
      return;
    }
    this.#tried.add(attempt.link);
    const session = this.#open(attempt, again !== undefined);
    this.#candidates.add(session);
  }

  #late(session: RealtimeLinkSession): void {
    if (this.#candidates.has(session)) this.#openNext(session);
    else if (session === this.#session && !this.#rival && !this.#standby && this.#events.onLate(session))
      this.#help(session);
  }

  /** Starts a hedge: on another link, or on the same one where there is no other. */
  #help(session: RealtimeLinkSession): void {
    // The hedge budget is asked first: each attempt that `next` gives counts as an opening of the turn.
    if (!this.#failover.mayHedge(session.attempt)) return;
    const options = { after: session.link, beside: session.link, turn: this.#turn };
    const attempt =
      this.#failover.next(new Set([session.link]), options) ??
      this.#failover.next(new Set(this.#others(session)), options);
    if (attempt) this.#rival = { session: this.#open(attempt), hasBegun: false, heard: [] };
  }

  /** A session began to speak. A hedge that is first serves; the late session lingers to measure how late it is. */
  #begun(session: RealtimeLinkSession): void {
    const rival = this.#rival;
    if (this.#overtaken.delete(session)) this.#mayReturn = true;
    if (rival?.session !== session) return;
    rival.hasBegun = true;
    const { generation, heard } = rival;
    if (!generation) return;
    this.#rival = undefined;
    const before = this.#session;
    this.#session = session;
    if (before) {
      this.#tellHedge(before, session, 'won');
      this.#overtaken.set(before, session);
      before.linger();
    }
    const won = { generation, heard, lost: this.#lost, error: this.#error };
    this.#error = undefined;
    this.#lost = undefined;
    this.#failover.serves(session.link);
    this.#events.onWon(session, won);
  }

  /** Holds the hedge session's generation until it is known which session speaks first. */
  hold(rival: RealtimeLinkSession, generation: llm.GenerationCreatedEvent): void {
    if (this.#rival?.session !== rival) return;
    this.#rival.generation = generation;
    if (this.#rival.hasBegun) this.#begun(rival);
  }

  #transcript(session: RealtimeLinkSession, event: llm.InputTranscriptionCompleted): void {
    if (this.#rival?.session !== session) this.#events.onTranscript(session, event);
    else if (event.isFinal) this.#rival.heard.push(event);
  }

  #tellHedge({ id: late }: RealtimeLinkSession, { id: beside }: RealtimeLinkSession, outcome: 'won' | 'lost'): void {
    this.#failover.events.onHedge?.({ stage: 'realtime', late, beside, outcome });
  }

  #open(attempt: Attempt<RealtimeLink>, isAgain = false): RealtimeLinkSession {
    const events = this.#events;
    const whileServing =
      <Values extends unknown[]>(tell: (...values: Values) => void) =>
      (...values: Values) =>
        this.#session === session && tell(...values);
    const session: RealtimeLinkSession = new RealtimeLinkSession(attempt, this.#failover.clock, {
      onLate: (late) => this.#late(late),
      onOpened: (opened) => this.#opened(opened),
      onFailed: (failed, error) => this.#failed(failed, error),
      onResumable: (resumable, handle) => this.#resumable(resumable, handle),
      onExpiring: (expiring, inMs) => this.#expiring(expiring, inMs),
      onSpeech: (speaker, isStart) => {
        if (speaker === this.#session) events.onSpeech(speaker, isStart);
        else if (!isStart) this.rivalHears(speaker);
      },
      // Also from a session that is over: it reports what it had heard.
      onTranscript: (hearer, event) => this.#transcript(hearer, event),
      onBegun: (begun) => this.#begun(begun),
      onWordless: whileServing(events.onWordless),
      onGeneration: (speaker, generation) => {
        if (speaker === this.#session) events.onGeneration(speaker, generation);
        else this.hold(speaker, generation);
      },
      onSign: whileServing(events.onSign),
      onMetrics: whileServing((_session: RealtimeLinkSession, metrics: unknown) => events.onMetrics(metrics)),
    });
    this.#begin(session, isAgain);
    return session;
  }

  #begin(session: RealtimeLinkSession, isAgain: boolean): void {
    const setup = this.#events.setup();
    const resumed = isAgain ? this.#handles.get(session.link) : undefined;
    // A handle is good for one session.
    this.#handles.delete(session.link);
    if (!resumed) {
      session.open(setup);
      return;
    }
    const history = new llm.ChatContext(setup.history.items.filter(({ id }) => !resumed.known.has(id)));
    session.open({ ...setup, history, resume: resumed.handle }, resumed.known);
  }

  /** A handle does not say what the session knew: it is kept only if the conversation is at rest a moment later. */
  #resumable(session: RealtimeLinkSession, handle: string): void {
    this.#handles.delete(session.link);
    this.#later(REST_MS, () => {
      if (this.#session !== session || !this.#events.isBoundary()) return;
      const known = new Set(this.#events.setup().history.items.map(({ id }) => id));
      this.#handles.set(session.link, { handle, known });
    });
  }

  #opened(session: RealtimeLinkSession): void {
    if (session === this.#standby) {
      if (!this.#session || this.#isUrgent || this.#events.isBoundary()) this.#handOverTo(session);
      return;
    }
    if (session === this.#rival?.session) {
      this.#events.onRival(session);
      return;
    }
    if (this.#candidates.has(session) && !this.#session && !this.#isClosed) this.#choose();
    else session.close();
  }

  /** The first open session in order serves, once those before it had their usual time: a hedge must not overtake them sooner. */
  #choose(): void {
    if (this.#session) return;
    for (const session of this.#candidates) {
      if (session.isOpen) {
        this.#serve(session, this.#lost, this.#error);
        return;
      }
      const leftMs = USUAL_OPENING_MS - session.attempt.ageMs;
      if (leftMs <= 0) continue;
      this.#later(leftMs, () => this.#choose());
      return;
    }
  }

  #failed(session: RealtimeLinkSession, error: ProviderError): void {
    if (session === this.#standby) {
      this.#standby = undefined;
      this.#events.onKept();
      return;
    }
    const by = this.#overtaken.get(session);
    if (by) {
      this.#overtaken.delete(session);
      this.#events.onReplaced(session, by, error);
      return;
    }
    if (!session.couldNotResume && !session.hasOtherModel) this.#turn.failed(session.link);
    if (session === this.#rival?.session) {
      this.#rival = undefined;
      if (this.#session) this.#late(this.#session);
      else this.#openNext(session);
      return;
    }
    if (this.#candidates.delete(session)) {
      // Where no session has served yet, the switch is reported as from this one.
      this.#lost ??= session;
      this.#error ??= error;
      this.#choose();
      if (this.#session) return;
      if ([...this.#candidates].some(({ isLate }) => !isLate)) return;
      // The link may still serve, without resuming or with its other model: it is tried again.
      const mayServe = session.couldNotResume || session.hasOtherModel;
      if (mayServe) this.#tried.delete(session.link);
      this.#openNext(mayServe ? undefined : session);
      return;
    }
    if (session !== this.#session) return;
    this.#isLost(session, error);
    if (session.hasOtherModel) this.#tried.delete(session.link);
    if (this.#standby?.isOpen) this.#handOverTo(this.#standby);
    else if (this.#rival) this.#promote(this.#rival.session);
    else this.#openNext(session, this.#again(session, error));
  }

  /** An open hedge session goes on with the work that it was given; one that is not open yet is the next to serve. */
  #promote(rival: RealtimeLinkSession): void {
    this.#tried.add(rival.link);
    if (rival.isOpen) return;
    this.#rival = undefined;
    this.#candidates.add(rival);
  }

  /** The same link once more; after two failures in one turn the next link is tried instead. */
  #again(session: RealtimeLinkSession, error: ProviderError): Attempt<RealtimeLink> | undefined {
    return this.#failover.again(session.attempt, error, { evenAfterResult: true, turn: this.#turn });
  }

  #isLost(session: RealtimeLinkSession, error: ProviderError): void {
    this.#session = undefined;
    this.#lost = session;
    this.#error = error;
    this.#tried.clear();
    this.#tried.add(session.link);
    this.#events.onLost(session);
  }

  #handOverTo(standby: RealtimeLinkSession): void {
    const before = this.#session;
    this.#standby = undefined;
    this.#session = undefined;
    this.#serve(standby, before ?? this.#lost, before ? undefined : this.#error);
    before?.close();
  }

  #serve(
    session: RealtimeLinkSession,
    before: RealtimeLinkSession | undefined,
    error: ProviderError | undefined,
  ): void {
    this.#session = session;
    this.#mayReturn = false;
    this.#isUrgent = false;
    this.#error = undefined;
    this.#lost = undefined;
    this.#candidates.delete(session);
    for (const other of this.#candidates) if (other.isOpen) other.close();
    this.#rival?.session.close();
    this.#rival = undefined;
    // Sessions that are still opening are not closed: their deadlines find one that never answers.
    this.#candidates.clear();
    this.#failover.serves(session.link);
    this.#events.onServing(session, before, error);
  }

  #expiring(session: RealtimeLinkSession, inMs: number): void {
    const isIts = () => this.#session === session && !this.#isClosed;
    const lastMs = Math.max(0, inMs - LAST_MOMENT_MS);
    const half = inMs / 2;
    const inTime = Math.min(Math.max(half, inMs - RENEWAL_MS), lastMs - OPENING_MS);
    this.#later(session.isFresh ? Math.max(half, inTime) : Math.max(0, inTime), () => {
      if (isIts()) this.renew();
      this.atBoundary();
    });
    this.#later(lastMs, () => {
      if (!isIts()) return;
      if (this.#standby?.isOpen) this.#handOverTo(this.#standby);
      else this.#isUrgent = true;
    });
  }

  #exhausted(): void {
    const error = this.#error;
    if (error && this.#retries === 0) this.#events.onExhausted(error);
    this.#retries += 1;
    this.#later(backoffMs(this.#retries, this.#failover.random), () => {
      this.#tried.clear();
      this.#turn.startOver();
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
