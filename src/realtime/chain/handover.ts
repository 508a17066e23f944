// Who serves: opens the next session while, and before, the one that serves ends.
import { llm } from '@livekit/agents';
import type { Attempt } from '../../failover/attempt.ts';
import { backoffMs } from '../../failover/backoff.ts';
import type { Failover } from '../../failover/failover.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import { TurnOpenings } from '../../failover/turn-openings.ts';
import type { ReplySign } from '../adapter-contract.ts';
import type { RealtimeLink, SessionSetup } from '../contract.ts';
import { Child } from './link-session.ts';

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

export interface SuccessionEvents {
  setup(): SessionSetup;
  /** From now on this one serves; `error` says why the one before does no more, where it failed. */
  onServing(child: Child, before: Child | undefined, error: ProviderError | undefined): void;
  /** The one that was to take over failed: the one that serves goes on. */
  onKept(): void;
  /** The one that served failed; the next one is being opened. */
  onLost(child: Child): void;
  /** The one that serves is late with what is due. @returns whether another session beside it could help */
  onLate(child: Child): boolean;
  /** Such a session is open: it is to be given what is due. */
  onRival(rival: Child): void;
  /** It was the first to speak, with what it had heard until then: it serves. */
  onWon(rival: Child, won: Won): void;
  /** One that another had overtaken gave nothing after all: it had failed, and the other one has taken its place. */
  onReplaced(late: Child, by: Child, error: ProviderError): void;
  /** Nobody is left for now; it goes on trying. */
  onExhausted(error: ProviderError): void;
  /** Nothing is under way that a change of sessions could disturb. */
  isBoundary(): boolean;
  onSpeech(child: Child, isStart: boolean): void;
  onTranscript(child: Child, event: llm.InputTranscriptionCompleted): void;
  onWordless(child: Child): void;
  onGeneration(child: Child, event: llm.GenerationCreatedEvent): void;
  onSign(child: Child, sign: ReplySign): void;
  onMetrics(metrics: unknown): void;
}

interface Rival {
  readonly child: Child;
  generation?: llm.GenerationCreatedEvent;
  hasBegun: boolean;
  readonly heard: llm.InputTranscriptionCompleted[];
}

export interface Won extends Required<Pick<Rival, 'generation' | 'heard'>> {
  /** Whoever failed meanwhile, and how. */
  readonly lost: Child | undefined;
  readonly error: ProviderError | undefined;
}

export class Succession {
  readonly #failover: Failover<RealtimeLink>;
  readonly #events: SuccessionEvents;
  readonly #returns: boolean;
  /** Being opened; the first that stands serves. */
  readonly #candidates = new Set<Child>();
  readonly #tried = new Set<RealtimeLink>();
  /** Since the last reply that was complete. */
  readonly #turn = new TurnOpenings<RealtimeLink>();
  readonly #timers = new Set<() => void>();
  /** By which a link's last session can be gone on from, with what it knew then. */
  readonly #handles = new Map<RealtimeLink, { readonly handle: string; readonly known: ReadonlySet<string> }>();
  #child: Child | undefined;
  /** Open beside the one that serves, to take over at a boundary or at the last moment. */
  #heir: Child | undefined;
  /** Beside the one that serves, which is late: the first of the two to speak is heard. */
  #rival: Rival | undefined;
  /** Late ones, and who overtook them. */
  readonly #overtaken = new Map<Child, Child>();
  /** One that was overtaken is well: who helped does not stay for that. */
  #mayReturn = false;
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

  /** Beside the one that serves; open. */
  get rival(): Child | undefined {
    return this.#rival?.child.isOpen ? this.#rival.child : undefined;
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
    rival.child.close();
    if (this.#child) this.#tellHedge(this.#child, rival.child, 'lost');
    else this.#openNext(undefined);
  }

  /** What it was given it may have heard as speech: whoever stays silent is judged. */
  rivalHears(child: Child): void {
    if (this.#rival?.child === child) child.expectFirst();
  }

  /** A reply is complete. */
  completed(): void {
    this.#turn.startOver();
    this.#retries = 0;
  }

  /** A turn is over: the next one may be another's. */
  atBoundary(): void {
    if (!this.#events.isBoundary()) return;
    if (this.#heir?.isOpen) this.#succeed(this.#heir);
    else if (this.#goesBack && this.#child && !this.#heir && this.#isBetterThere(this.#child)) this.renew();
  }

  /** Opens another session beside the one that serves: it takes over as soon as nothing is disturbed. */
  renew(): void {
    if (this.#isClosed || this.#heir || !this.#child) return;
    const attempt = this.#failover.next(new Set(this.#goesBack ? [] : this.#others(this.#child)));
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

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    const beside = [this.#heir, this.#rival?.child, ...this.#overtaken.keys()];
    for (const child of [...this.#candidates, ...beside, this.#child]) child?.close();
    this.#candidates.clear();
  }

  get #goesBack(): boolean {
    return this.#returns || this.#mayReturn;
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
    const beside = [...this.#candidates][0]?.link;
    const options = { after: after?.link, isLastResort: this.#retries > 0, beside, turn: this.#turn };
    const attempt = again ?? this.#failover.next(this.#tried, options);
    if (!attempt) {
      if (this.#candidates.size === 0) this.#exhausted();
      return;
    }
    this.#tried.add(attempt.link);
    const child = this.#open(attempt, again !== undefined);
    this.#candidates.add(child);
  }

  #late(child: Child): void {
    if (this.#candidates.has(child)) this.#openNext(child);
    else if (child === this.#child && !this.#rival && !this.#heir && this.#events.onLate(child)) this.#help(child);
  }

  /** Another link, or the same one anew where there is no other. */
  #help(child: Child): void {
    // Asked first: each attempt that is given counts as an opening of the turn.
    if (!this.#failover.mayHedge(child.attempt)) return;
    const options = { after: child.link, beside: child.link, turn: this.#turn };
    const attempt =
      this.#failover.next(new Set([child.link]), options) ?? this.#failover.next(new Set(this.#others(child)), options);
    if (attempt) this.#rival = { child: this.#open(attempt), hasBegun: false, heard: [] };
  }

  /** The first of two to speak: the other one, which was late, may still tell how late it was. */
  #begun(child: Child): void {
    const rival = this.#rival;
    if (this.#overtaken.delete(child)) this.#mayReturn = true;
    if (rival?.child !== child) return;
    rival.hasBegun = true;
    const { generation, heard } = rival;
    if (!generation) return;
    this.#rival = undefined;
    const before = this.#child;
    this.#child = child;
    if (before) {
      this.#tellHedge(before, child, 'won');
      this.#overtaken.set(before, child);
      before.linger();
    }
    const won = { generation, heard, lost: this.#lost, error: this.#error };
    this.#error = undefined;
    this.#lost = undefined;
    this.#failover.serves(child.link);
    this.#events.onWon(child, won);
  }

  /** What a rival gives is held until it is known who speaks first. */
  hold(rival: Child, generation: llm.GenerationCreatedEvent): void {
    if (this.#rival?.child !== rival) return;
    this.#rival.generation = generation;
    if (this.#rival.hasBegun) this.#begun(rival);
  }

  #transcript(child: Child, event: llm.InputTranscriptionCompleted): void {
    if (this.#rival?.child !== child) this.#events.onTranscript(child, event);
    else if (event.isFinal) this.#rival.heard.push(event);
  }

  #tellHedge({ id: late }: Child, { id: beside }: Child, outcome: 'won' | 'lost'): void {
    this.#failover.events.onHedge?.({ stage: 'realtime', late, beside, outcome });
  }

  #open(attempt: Attempt<RealtimeLink>, isAgain = false): Child {
    const events = this.#events;
    const whileServing =
      <Values extends unknown[]>(tell: (...values: Values) => void) =>
      (...values: Values) =>
        this.#child === child && tell(...values);
    const child: Child = new Child(attempt, this.#failover.clock, {
      onLate: (late) => this.#late(late),
      onOpened: (opened) => this.#opened(opened),
      onFailed: (failed, error) => this.#failed(failed, error),
      onResumable: (resumable, handle) => this.#resumable(resumable, handle),
      onExpiring: (expiring, inMs) => this.#expiring(expiring, inMs),
      onSpeech: (speaker, isStart) => {
        if (speaker === this.#child) events.onSpeech(speaker, isStart);
        else if (!isStart) this.rivalHears(speaker);
      },
      // Also of one that is over: it tells what it had heard.
      onTranscript: (hearer, event) => this.#transcript(hearer, event),
      onBegun: (begun) => this.#begun(begun),
      onWordless: whileServing(events.onWordless),
      onGeneration: (speaker, generation) => {
        if (speaker === this.#child) events.onGeneration(speaker, generation);
        else this.hold(speaker, generation);
      },
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
    if (child === this.#rival?.child) {
      this.#events.onRival(child);
      return;
    }
    if (this.#candidates.has(child) && !this.#child && !this.#isClosed) this.#choose();
    else child.close();
  }

  /** The first in order that stands serves, once those before it had their usual time: whoever helps does not overtake them. */
  #choose(): void {
    if (this.#child) return;
    for (const child of this.#candidates) {
      if (child.isOpen) {
        this.#serve(child, this.#lost, this.#error);
        return;
      }
      const leftMs = USUAL_OPENING_MS - child.attempt.ageMs;
      if (leftMs <= 0) continue;
      this.#later(leftMs, () => this.#choose());
      return;
    }
  }

  #failed(child: Child, error: ProviderError): void {
    if (child === this.#heir) {
      this.#heir = undefined;
      this.#events.onKept();
      return;
    }
    const by = this.#overtaken.get(child);
    if (by) {
      this.#overtaken.delete(child);
      this.#events.onReplaced(child, by, error);
      return;
    }
    if (!child.couldNotResume && !child.hasOtherModel) this.#turn.failed(child.link);
    if (child === this.#rival?.child) {
      this.#rival = undefined;
      if (this.#child) this.#late(this.#child);
      else this.#openNext(child);
      return;
    }
    if (this.#candidates.delete(child)) {
      // Where nobody has served yet, it is the one that is switched from.
      this.#lost ??= child;
      this.#error ??= error;
      this.#choose();
      if (this.#child) return;
      if ([...this.#candidates].some(({ isLate }) => !isLate)) return;
      // Not its last word: the same link is asked anew.
      const mayServe = child.couldNotResume || child.hasOtherModel;
      if (mayServe) this.#tried.delete(child.link);
      this.#openNext(mayServe ? undefined : child);
      return;
    }
    if (child !== this.#child) return;
    this.#isLost(child, error);
    if (child.hasOtherModel) this.#tried.delete(child.link);
    if (this.#heir?.isOpen) this.#succeed(this.#heir);
    else if (this.#rival) this.#promote(this.#rival.child);
    else this.#openNext(child, this.#again(child, error));
  }

  /** A session that helped and is asked already goes on doing so; one that is not open yet is the next to serve. */
  #promote(rival: Child): void {
    this.#tried.add(rival.link);
    if (rival.isOpen) return;
    this.#rival = undefined;
    this.#candidates.add(rival);
  }

  /** The same vendor once more; one that failed twice in one turn is left for the next. */
  #again(child: Child, error: ProviderError): Attempt<RealtimeLink> | undefined {
    return this.#failover.again(child.attempt, error, { evenAfterResult: true, turn: this.#turn });
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
    this.#mayReturn = false;
    this.#isUrgent = false;
    this.#error = undefined;
    this.#lost = undefined;
    this.#candidates.delete(child);
    for (const other of this.#candidates) if (other.isOpen) other.close();
    this.#rival?.child.close();
    this.#rival = undefined;
    // Those that are still being opened are waited for: a black hole among them is to be found out.
    this.#candidates.clear();
    this.#failover.serves(child.link);
    this.#events.onServing(child, before, error);
  }

  #expiring(child: Child, inMs: number): void {
    const isIts = () => this.#child === child && !this.#isClosed;
    const lastMs = Math.max(0, inMs - LAST_MOMENT_MS);
    const half = inMs / 2;
    const inTime = Math.min(Math.max(half, inMs - RENEWAL_MS), lastMs - OPENING_MS);
    this.#later(child.isFresh ? Math.max(half, inTime) : Math.max(0, inTime), () => {
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
