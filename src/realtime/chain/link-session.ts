// One link's session: opened, watched, and ended once, whatever the plugin makes of its failures.
import { llm } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import type { Deadlines } from '../../config/provider.ts';
import type { Attempt } from '../../failover/attempt.ts';
import type { Clock } from '../../failover/clock.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import type { RealtimeAdapter, ReplySign } from '../adapter-contract.ts';
import type { RealtimeLink, SessionSetup } from '../contract.ts';
import { type Handshakes, unwatched, watchHandshakes } from '../handshakes.ts';
import { adapterFor } from '../plugins/adapter.ts';
import {
  BusyError,
  closedError,
  lostError,
  malformedError,
  notTakenError,
  refusedError,
  toldError,
} from '../session-errors.ts';
import { watchBeginning } from './begun.ts';
import { contain, outside } from './containment.ts';
import { takeItems } from './take-items.ts';

/** How long the first result may take, in milliseconds. */
export type FirstWait = Pick<Deadlines, 'firstMs' | 'firstHelpMs'>;

/** Usual and longest time for a session to accept items: a long history takes 1 to 2 s; the plugins wait for 5. */
const USUAL_TAKING_MS = 2_000;
const TAKING_MS = 6_000;

const FRESH_MS = 1_000;
const BUSY_MS = 30;

export interface LinkSessionEvents {
  /** The session's connection is open, or it needs none. */
  onOpened(session: RealtimeLinkSession): void;
  /** What is due from the session is late: it may still come. */
  onLate(session: RealtimeLinkSession): void;
  /** Called once; afterwards only transcripts of what the session had heard are reported. */
  onFailed(session: RealtimeLinkSession, error: ProviderError): void;
  onResumable(session: RealtimeLinkSession, handle: string): void;
  /** The session ends in `inMs`: the vendor announced it, or the provider's `sessionMs` says so when the session opens. */
  onExpiring(session: RealtimeLinkSession, inMs: number): void;
  onSpeech(session: RealtimeLinkSession, isStart: boolean): void;
  onTranscript(session: RealtimeLinkSession, event: llm.InputTranscriptionCompleted): void;
  /** The words of one of the session's turns will never come. */
  onWordless(session: RealtimeLinkSession): void;
  /** Audio or a call of any reply came. */
  onBegun(session: RealtimeLinkSession): void;
  /** The session began a reply that was not requested: the answer to a turn. */
  onGeneration(session: RealtimeLinkSession, event: llm.GenerationCreatedEvent): void;
  onSign(session: RealtimeLinkSession, sign: ReplySign): void;
  onMetrics(session: RealtimeLinkSession, metrics: unknown): void;
}

export class RealtimeLinkSession {
  readonly link: RealtimeLink;
  attempt: Attempt<RealtimeLink>;
  readonly #clock: Clock;
  readonly #events: LinkSessionEvents;
  #session: llm.RealtimeSession | undefined;
  #adapter: RealtimeAdapter | undefined;
  /** Ids of the conversation items that the session was opened with. */
  #given: ReadonlySet<string> = new Set();
  turnEndMs = 0;
  #model: string | undefined;
  #isLingering = false;
  /** The vendor no longer has the session's model, and its link has another one. */
  hasOtherModel = false;
  /** Something that was due from the session was late in this turn. */
  isLate = false;
  #openedAtMs = Number.POSITIVE_INFINITY;
  #isResuming = false;
  #state: 'opening' | 'open' | 'over' = 'opening';
  #tellOver: () => void = () => undefined;
  readonly #over = new Promise<void>((resolve) => {
    this.#tellOver = resolve;
  });
  /** Work that was requested before the plugin's session existed. */
  #waiting: ((session: llm.RealtimeSession) => void)[] = [];
  /** Makes changes of the session's conversation one after the other: each applies to what the session holds by then. */
  #updates: Promise<void> = Promise.resolve();
  /** Number of changes that the session has not accepted yet. */
  #taking = 0;
  /** Ids of calls that this session made itself: it accepts their results as tool results. */
  readonly callIds = new Set<string>();

  constructor(attempt: Attempt<RealtimeLink>, clock: Clock, events: LinkSessionEvents) {
    this.attempt = attempt;
    this.#clock = clock;
    this.link = attempt.link;
    this.#events = toldOutside(events);
  }

  get id(): string {
    return this.link.id;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Whether it was opened just now: an announced time until its end is then its whole lifetime. */
  get isFresh(): boolean {
    return this.#clock.now() - this.#openedAtMs < FRESH_MS;
  }

  get adapter(): RealtimeAdapter | undefined {
    return this.#adapter;
  }

  get capabilities(): llm.RealtimeCapabilities | undefined {
    return this.#session?.realtimeModel.capabilities;
  }

  /** Whether it failed because the session that it was to resume is gone: that is nobody's fault. */
  get couldNotResume(): boolean {
    return this.#isResuming && this.isOver && !this.attempt.hasResult;
  }

  /** Never throws: every error is reported by `onFailed`. */
  open(setup: SessionSetup, known: ReadonlySet<string> = new Set()): void {
    this.#given = new Set([...known, ...setup.history.items.map(({ id }) => id)]);
    this.#isResuming = setup.resume !== undefined;
    this.watchAttempt();
    this.attempt.connecting();
    contain(
      (error) => this.fail(malformedError(this.id, error)),
      () => void this.#open(setup).catch((cause: unknown) => this.fail(lostError(this.id, cause))),
    );
  }

  /** Follows the deadlines of the current attempt; another attempt begins with each turn. */
  watchAttempt(): void {
    this.isLate = false;
    this.attempt.onTimeout((error) => this.fail(error));
    this.attempt.onLate(() => {
      this.isLate = true;
      if (!this.isOver) this.#events.onLate(this);
    });
  }

  /** Runs `work` now, or as soon as the plugin's session exists; an error thrown in it is a failure of the provider. */
  do(work: (session: llm.RealtimeSession) => unknown): void {
    if (this.#state === 'over') return;
    if (!this.#session) {
      this.#waiting.push(work);
      return;
    }
    const session = this.#session;
    contain(
      (error) => this.fail(malformedError(this.id, error)),
      () => {
        try {
          const outcome = work(session);
          // Events report a refused request where it matters.
          if (outcome instanceof Promise) outcome.catch(() => undefined);
        } catch (cause) {
          this.fail(malformedError(this.id, cause));
        }
      },
    );
  }

  /** Sends the session what came into the conversation since it was opened. */
  catchUp(context: llm.ChatContext): void {
    void this.update(context.items.filter(({ id }) => !this.#given.has(id)));
  }

  /** Changes the session's conversation; resolves when the session has accepted the changes, or is over. */
  update(added: readonly llm.ChatItem[], removed: readonly string[] = []): Promise<void> {
    if (added.length === 0 && removed.length === 0) return this.#updates;
    this.#taking += 1;
    const updated = this.#updates
      .then(() => this.#take(added, removed))
      .finally(() => {
        this.#taking -= 1;
      });
    this.#updates = Promise.race([updated, this.#over]);
    return this.#updates;
  }

  /** Asks for a reply, once the session has accepted what it was sent before. */
  async ask(instructions: string | undefined, signal: AbortSignal | undefined): Promise<llm.GenerationCreatedEvent> {
    await this.#updates;
    try {
      return this.#watched(await this.#generate(instructions, signal));
    } catch (error) {
      if (!(error instanceof BusyError) || this.isOver || signal?.aborted) throw error;
    }
    // Waits until the end of the reply that the session was busy with is reported.
    await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, BUSY_MS));
    if (signal?.aborted) throw new llm.RealtimeError('generateReply was aborted');
    this.expectFirst();
    return this.ask(instructions, signal);
  }

  /** The first result is due; the session has more time while it still accepts what it was sent before. */
  expectFirst(wait: FirstWait = this.attempt.deadlines): void {
    const { firstMs, firstHelpMs } = wait;
    const isTaking = this.#taking > 0;
    this.attempt.expectFirst({
      firstMs: firstMs + (isTaking ? TAKING_MS : 0),
      firstHelpMs: firstHelpMs + (isTaking ? USUAL_TAKING_MS : 0),
    });
  }

  pushAudio(frame: AudioFrame): void {
    if (this.#state !== 'over') this.#session?.pushAudio(frame);
  }

  fail(error: ProviderError): void {
    if (this.#state === 'over') return;
    if (this.#isResuming && !this.attempt.hasResult && (error.status ?? 0) >= 1000) this.attempt.release();
    else this.attempt.fail(error);
    if (error.isModelGone && this.#model !== undefined)
      this.hasOtherModel = this.link.client.leaveModel?.(this.#model) ?? false;
    this.#end();
    this.#events.onFailed(this, error);
  }

  /** Call when a hedge was quicker: this session ends with its first result, or fails when none comes at all. */
  linger(): void {
    this.#isLingering = true;
    this.attempt.expectFirst();
  }

  /** Ends the session without a verdict. */
  close(): void {
    if (this.#state === 'over') return;
    this.attempt.release();
    this.#end();
  }

  #watched(event: llm.GenerationCreatedEvent): llm.GenerationCreatedEvent {
    return watchBeginning(event, () => {
      if (this.#isLingering) this.#succeedLate();
      else if (!this.isOver) this.#events.onBegun(this);
    });
  }

  /** The session answered after the hedge: its time to the first result is measured, and it ends. */
  #succeedLate(): void {
    if (this.isOver) return;
    this.attempt.result();
    this.attempt.succeed();
    this.#end();
    this.#events.onBegun(this);
  }

  #generate(instructions: string | undefined, signal: AbortSignal | undefined): Promise<llm.GenerationCreatedEvent> {
    return new Promise((resolve, reject) => {
      if (this.isOver) reject(new llm.RealtimeError('the session is over'));
      this.do((session) => session.generateReply(instructions, { ...(signal && { signal }) }).then(resolve, reject));
    });
  }

  async #open(setup: SessionSetup): Promise<void> {
    const model = await this.link.client.model();
    if (this.isOver) return;
    const adapter = adapterFor(model);
    this.#adapter = adapter;
    this.#model = model.model;
    this.turnEndMs = adapter.turnEndMs(model);
    const history = adapter.toHistory(setup.history);
    const open = () =>
      adapter.open(
        model,
        { ...setup, history },
        {
          onExpiring: (inMs) => !this.isOver && this.#events.onExpiring(this, inMs),
          onResumable: (handle) => !this.isOver && this.#events.onResumable(this, handle),
          onMalformed: (cause) => this.fail(malformedError(this.id, cause)),
          onWordless: () => this.#events.onWordless(this),
          onSign: (sign) => !this.isOver && this.#events.onSign(this, sign),
        },
      );
    // Connections below a model without one of its own (those of a pipeline's stages) are no part of this session.
    const opening = adapter.connects ? watchHandshakes(this.#handshakes(), open) : open();
    const session = await opening;
    this.#listen(session);
    if (this.isOver) {
      await adapter.close(session);
      return;
    }
    this.#session = session;
    this.#setUp(session, setup, history);
    for (const work of this.#waiting.splice(0)) this.do(work);
    if (!adapter.connects) this.#opened();
  }

  #handshakes(): Handshakes {
    return {
      onOpened: () => this.#opened(),
      onRefused: (status, headers) => this.fail(refusedError(this.id, status, headers)),
      // Deferred: `onClosed` says more than the loss of the connection, and may follow in the same moment.
      onLost: (cause) => void setImmediate(() => this.fail(lostError(this.id, cause))),
      onClosed: (code, reason) => this.fail(closedError(this.id, code, reason)),
      onMalformed: (cause) => this.fail(malformedError(this.id, cause)),
    };
  }

  #setUp(session: llm.RealtimeSession, setup: SessionSetup, history: llm.ChatContext): void {
    if (this.#adapter?.setsUp) return;
    const { instructions, tools, toolChoice } = setup;
    this.do(() => instructions !== undefined && session.updateInstructions(instructions));
    if (tools.tools.length > 0) this.do(() => session.updateTools(tools));
    if (toolChoice) this.do(() => session.updateOptions({ toolChoice }));
    void this.update(history.items);
  }

  /** A session that does not accept the items knows less than was said and is of no use: it fails. */
  #take(added: readonly llm.ChatItem[], removed: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOver) resolve();
      this.do(async (session) => {
        const fail = (how: 'late' | 'refused') => this.fail(notTakenError(this.id, how));
        const cancel = this.#clock.setTimeout(() => fail('late'), TAKING_MS);
        void this.#over.then(cancel);
        const items = { added, removed, ownCalls: this.callIds };
        const verdict = await takeItems(session, this.#adapter as RealtimeAdapter, items);
        cancel();
        if (verdict !== 'taken') fail(verdict);
        resolve();
      });
    });
  }

  #opened(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.#openedAtMs = this.#clock.now();
    this.attempt.opened();
    const { sessionMs } = this.link.traits;
    if (sessionMs !== undefined) this.#events.onExpiring(this, sessionMs);
    this.#events.onOpened(this);
  }

  #listen(session: llm.RealtimeSession): void {
    const events = this.#events;
    session.on('error', (error: llm.RealtimeModelError) => {
      const failure = toldError(this.id, error);
      if (failure) this.fail(failure);
    });
    // The plugin lost its connection and, with it, everything that its own reconnection leaves out.
    session.on('session_reconnected', () => this.fail(lostError(this.id, undefined)));
    session.on('input_speech_started', () => !this.isOver && events.onSpeech(this, true));
    session.on('input_speech_stopped', () => !this.isOver && events.onSpeech(this, false));
    session.on('input_audio_transcription_completed', (event: llm.InputTranscriptionCompleted) =>
      events.onTranscript(this, event),
    );
    session.on('generation_created', (event: llm.GenerationCreatedEvent) => {
      if (!this.isOver && !event.userInitiated) events.onGeneration(this, this.#watched(event));
    });
    session.on('metrics_collected', (metrics: unknown) => !this.isOver && events.onMetrics(this, metrics));
  }

  #end(): void {
    this.#state = 'over';
    this.#tellOver();
    this.#waiting.length = 0;
    const session = this.#session;
    if (!session) return;
    contain(
      () => undefined,
      () => void this.#adapter?.close(session).catch(() => undefined),
    );
  }
}

/** Runs the listeners outside the plugin's containment and watch: what the owner does there is not the plugin's doing. */
function toldOutside(events: LinkSessionEvents): LinkSessionEvents {
  const told = Object.entries(events).map(([name, tell]: [string, (...values: never[]) => void]) => [
    name,
    (...values: never[]) => unwatched(() => outside(() => tell(...values))),
  ]);
  return Object.fromEntries(told) as LinkSessionEvents;
}
