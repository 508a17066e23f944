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

/** So long before the end of a session the next one is opened, but not before half of its time has passed. */
const RENEWAL_MS = 60_000;
/** So long before its end it is replaced even in the middle of a turn. */
const LAST_MOMENT_MS = 1_000;
/** The vendor's handle comes a moment before the end of its reply is seen, whose last words may be late. */
const REST_MS = 1_200;
/** A handshake takes 250 to 1,000 ms; whoever was opened beside it waits for so long. */
const USUAL_OPENING_MS = 1_000;
/** So long the next one may take to open and to take the conversation. */
const OPENING_MS = 5_000;
/** Whether one that was down may be tried again is asked of another process: the answer is waited for so long. */
const GRANT_MS = 50;

export interface HandoverEvents {
  setup(): SessionSetup;
  /** From now on this one serves; `error` says why the one before does no more, where it failed. */
  onServing(
    session: RealtimeLinkSession,
    before: RealtimeLinkSession | undefined,
    error: ProviderError | undefined,
  ): void;
  /** The one that was to take over failed: the one that serves goes on. */
  onKept(): void;
  /** The one that served failed; the next one is being opened. */
  onLost(session: RealtimeLinkSession): void;
  /** The one that serves is late with what is due. @returns whether another session beside it could help */
  onLate(session: RealtimeLinkSession): boolean;
  /** Such a session is open: it is to be given what is due. */
  onRival(rival: RealtimeLinkSession): void;
  /** It was the first to speak, with what it had heard until then: it serves. */
  onWon(rival: RealtimeLinkSession, won: Won): void;
  /** One that another had overtaken gave nothing after all: it had failed, and the other one has taken its place. */
  onReplaced(late: RealtimeLinkSession, by: RealtimeLinkSession, error: ProviderError): void;
  /** Nobody is left for now; it goes on trying. */
  onExhausted(error: ProviderError): void;
  /** Nothing is under way that a change of sessions could disturb. */
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
  /** Whoever failed meanwhile, and how. */
  readonly lost: RealtimeLinkSession | undefined;
  readonly error: ProviderError | undefined;
}

export class Handover {
  readonly #failover: Failover<RealtimeLink>;
  readonly #events: HandoverEvents;
  readonly #returns: boolean;
  /** Being opened; the first that stands serves. */
  readonly #candidates = new Set<RealtimeLinkSession>();
  readonly #tried = new Set<RealtimeLink>();
  /** Since the last reply that was complete. */
  readonly #turn = new TurnOpenings<RealtimeLink>();
  readonly #timers = new Set<() => void>();
  /** By which a link's last session can be gone on from, with what it knew then. */
  readonly #handles = new Map<RealtimeLink, { readonly handle: string; readonly known: ReadonlySet<string> }>();
  #session: RealtimeLinkSession | undefined;
  /** Open beside the one that serves, to take over at a boundary or at the last moment. */
  #standby: RealtimeLinkSession | undefined;
  /** Beside the one that serves, which is late: the first of the two to speak is heard. */
  #rival: Rival | undefined;
  /** Late ones, and who overtook them. */
  readonly #overtaken = new Map<RealtimeLinkSession, RealtimeLinkSession>();
  /** One that was overtaken is well: who helped does not stay for that. */
  #mayReturn = false;
  #error: ProviderError | undefined;
  #lost: RealtimeLinkSession | undefined;
  #retries = 0;
  /** The one that serves is about to end: whoever opens takes over at once. */
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

  /** Another session takes over as soon as it is open: nothing is to be asked of this one. */
  get isChanging(): boolean {
    return this.#isUrgent && this.#standby !== undefined;
  }

  /** Opens the first session in a moment, with all that the owner sets up by then. */
  begin(): void {
    setImmediate(() => {
      if (this.#failover.upNext === this.#failover.order()[0]) this.start();
      else this.#later(GRANT_MS, () => this.start());
    });
  }

  start(): void {
    if (!this.#isClosed && !this.#session && this.#candidates.size === 0) this.#openNext(undefined);
  }

  /** Beside the one that serves; open. */
  get rival(): RealtimeLinkSession | undefined {
    return this.#rival?.session.isOpen ? this.#rival.session : undefined;
  }

  /** The session that serves gave a result: whoever failed before may be asked again when it fails. */
  wentWell(): void {
    this.#tried.clear();
    this.dropRival();
  }

  /** What was due is not due any more, or is there. It is nobody's failure. */
  dropRival(): void {
    const rival = this.#rival;
    if (!rival) return;
    this.#rival = undefined;
    rival.session.close();
    if (this.#session) this.#tellHedge(this.#session, rival.session, 'lost');
    else this.#openNext(undefined);
  }

  /** What it was given it may have heard as speech: whoever stays silent is judged. */
  rivalHears(session: RealtimeLinkSession): void {
    if (this.#rival?.session === session) session.expectFirst();
  }

  /** A reply is complete. */
  completed(): void {
    this.#turn.startOver();
    this.#retries = 0;
  }

  /** A turn is over: the next one may be another's. */
  atBoundary(): void {
    if (!this.#events.isBoundary()) return;
    if (this.#standby?.isOpen) this.#handOverTo(this.#standby);
    else if (this.#goesBack && this.#session && !this.#standby && this.#isBetterThere(this.#session)) this.renew();
  }

  /** Opens another session beside the one that serves: it takes over as soon as nothing is disturbed. */
  renew(): void {
    if (this.#isClosed || this.#standby || !this.#session) return;
    const attempt = this.#failover.next(new Set(this.#goesBack ? [] : this.#others(this.#session)));
    if (!attempt) return;
    this.#standby = this.#open(attempt);
  }

  /** What a session begins with has changed: another one takes over at once. */
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

  /** Another link, or the same one anew where there is no other. */
  #help(session: RealtimeLinkSession): void {
    // Asked first: each attempt that is given counts as an opening of the turn.
    if (!this.#failover.mayHedge(session.attempt)) return;
    const options = { after: session.link, beside: session.link, turn: this.#turn };
    const attempt =
      this.#failover.next(new Set([session.link]), options) ??
      this.#failover.next(new Set(this.#others(session)), options);
    if (attempt) this.#rival = { session: this.#open(attempt), hasBegun: false, heard: [] };
  }

  /** The first of two to speak: the other one, which was late, may still tell how late it was. */
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

  /** What a rival gives is held until it is known who speaks first. */
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
      // Also of one that is over: it tells what it had heard.
      onTranscript: (hearer, event) => this.#transcript(hearer, event),
      onBegun: (begun) => this.#begun(begun),
      onWordless: whileServing(events.onWordless),
      onGeneration: (speaker, generation) => {
        if (speaker === this.#session) events.onGeneration(speaker, generation);
        else this.hold(speaker, generation);
      },
      onSign: whileServing(events.onSign),
      onMetrics: whileServing((_child: RealtimeLinkSession, metrics: unknown) => events.onMetrics(metrics)),
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

  /** A handle tells not what the session knew: it is kept where the conversation rested a moment later. */
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

  /** The first in order that stands serves, once those before it had their usual time: whoever helps does not overtake them. */
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
      // Where nobody has served yet, it is the one that is switched from.
      this.#lost ??= session;
      this.#error ??= error;
      this.#choose();
      if (this.#session) return;
      if ([...this.#candidates].some(({ isLate }) => !isLate)) return;
      // Not its last word: the same link is asked anew.
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

  /** A session that helped and is asked already goes on doing so; one that is not open yet is the next to serve. */
  #promote(rival: RealtimeLinkSession): void {
    this.#tried.add(rival.link);
    if (rival.isOpen) return;
    this.#rival = undefined;
    this.#candidates.add(rival);
  }

  /** The same vendor once more; one that failed twice in one turn is left for the next. */
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
    // Those that are still being opened are waited for: a black hole among them is to be found out.
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
