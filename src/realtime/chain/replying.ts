// What the agent says, whoever gives it: replies that are asked for, that come by themselves, and that broke and go on.
import { llm } from '@livekit/agents';
import type { Clock } from '../../failover/clock.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import { CONTINUATION_PROMPT, isWholeReply } from '../../text/continuation-prompt.ts';
import type { ReplySign } from '../adapter-contract.ts';
import type { Conversation } from './conversation.ts';
import { discard } from './discard.ts';
import { GenerationReader } from './generation-reader.ts';
import type { RealtimeLinkSession } from './link-session.ts';
import { NamedTimers } from './named-timers.ts';
import { type PartOrigin, Reply } from './reply.ts';
import { ReplyWatch } from './reply-watch.ts';
import { SaidMessages } from './said-messages.ts';
import { SpeakingPace } from './spoken-words.ts';

/** Longest wait for the words of a turn that is replayed to a session. */
const WORDS_MS = 2_500;
/** The owner asks for the answer to a tool's result within this time, or not at all. */
const UNASKED_MS = 1_000;
/** Answers to tools' results take 1.8 to 4.1 s at healthy vendors. */
const AFTER_TOOL = { firstHelpMs: 4_200, firstMs: 8_000 };
/** Limit for one reply that is cut again and again. */
const MOST_CONTINUATIONS = 3;
/** Request to a session whose reply had words but no sound. */
const SAY_IT = '(Your last reply could not be heard. Say it now, word for word, without a remark on this.)';

/** A reply that the owner asked for. */
interface Request {
  readonly instructions: string | undefined;
  readonly signal: AbortSignal | undefined;
  resolve(event: llm.GenerationCreatedEvent): void;
  reject(error: Error): void;
  /** 'late': the plugin waits no longer and will report the answer as one that nobody asked for. */
  state: 'waiting' | 'asked' | 'late';
}

interface UnderWay {
  readonly reply: Reply;
  /** Instructions of the request; undefined for the answer to a turn. */
  readonly instructions: string | undefined;
  readonly isAsked: boolean;
}

/** Where a generation goes once it has content: it came by itself, answers an owner's request, or belongs to a begun reply. */
type Purpose = { readonly of: 'session' } | { readonly of: 'owner'; readonly request: Request } | UnderWayPurpose;
interface UnderWayPurpose {
  readonly of: 'reply';
  readonly into: UnderWay;
}

export interface ReplyingEvents {
  /** A reply that nobody asked for began: the owner is to be told. */
  onGeneration(event: llm.GenerationCreatedEvent): void;
  /** Audio or a call of a reply came from the serving session. */
  onResult(session: RealtimeLinkSession): void;
  /** A reply is complete. */
  onComplete(session: RealtimeLinkSession): void;
  /** The caller's turns are answered: a reply to them began or was asked for. */
  onAnswer(session: RealtimeLinkSession): void;
  /** Whether the serving session may be asked for a reply now. */
  mayAsk(): boolean;
  /** 'due': the caller is quiet and has no answer yet; 'open': the caller speaks; 'none': nothing was said since the last answer. */
  turn(): 'none' | 'open' | 'due';
}

export class Replying {
  readonly #conversation: Conversation;
  readonly #events: ReplyingEvents;
  readonly #timers: NamedTimers<'words' | 'unasked'>;
  readonly #watch: ReplyWatch;
  /** Speaking pace by link id: each voice has its own. */
  readonly #paces = new Map<string, SpeakingPace>();
  readonly #messages = new SaidMessages();
  #session: RealtimeLinkSession | undefined;
  #requests: Request[] = [];
  /** The reply under way, or a broken one that is to be continued. */
  #underWay: UnderWay | undefined;
  #reader: GenerationReader | undefined;
  /** Readers of generations that have no content yet. */
  readonly #empty = new Set<GenerationReader>();
  #isGenerated = false;
  /** Whether the session was asked once more, after a reply that had no content or was cut. */
  #askedAgain = false;
  /** How often the session that had cut the reply under way was asked to continue it. */
  #continuations = 0;
  #onAllWords: (() => void) | undefined;
  /** Reader of an answer to a tool's result that came before the owner asked for it. */
  #unasked: GenerationReader | undefined;
  #awaitsUnasked = false;

  constructor(clock: Clock, conversation: Conversation, events: ReplyingEvents) {
    this.#conversation = conversation;
    this.#events = events;
    this.#timers = new NamedTimers(clock);
    this.#watch = new ReplyWatch(clock, () => this.#overdue());
  }

  get isIdle(): boolean {
    return !this.#underWay && this.#requests.length === 0 && this.#conversation.openCalls.length === 0;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  get isPending(): boolean {
    return this.#underWay !== undefined || this.#requests.length > 0;
  }

  /** Whether a turn is replayed to a session for its words only: the session's answer is not wanted. */
  get isRehearing(): boolean {
    return this.#onAllWords !== undefined;
  }

  /** The words handed on so far of a reply that is not complete. */
  get said(): string {
    return this.#underWay?.reply.message?.said ?? '';
  }

  /** What the serving session was asked for and has not begun. */
  get due(): { readonly instructions: string | undefined; readonly isAsked: boolean } | undefined {
    const [underWay, request] = [this.#underWay, this.#requests[0]];
    // The calls have their results: another session is asked for the answer, and calls nothing again.
    if (this.#awaitsUnasked) return { instructions: request?.instructions, isAsked: true };
    if (underWay) return this.said === '' && underWay.reply.calls.length === 0 ? underWay : undefined;
    return request && request.state !== 'waiting' ? { instructions: request.instructions, isAsked: true } : undefined;
  }

  request(instructions: string | undefined, signal: AbortSignal | undefined): Promise<llm.GenerationCreatedEvent> {
    return new Promise((resolve, reject) => {
      const request: Request = { instructions, signal, resolve, reject, state: 'waiting' };
      const unasked = this.#unasked;
      if (unasked && this.#session) {
        this.#unasked = undefined;
        this.#begin(this.#session, unasked, { isAsked: true, instructions }, resolve);
        return;
      }
      signal?.addEventListener('abort', () => this.#withdraw(request), { once: true });
      this.#requests.push(request);
      if (signal?.aborted) this.#withdraw(request);
      else this.askNext();
    });
  }

  /** Call when the serving session is gone: what it gave of the reply is kept up to the last pause. */
  lost(): void {
    // A reply that was generated to its end is complete.
    if (this.#isGenerated) this.#reader?.finish();
    this.#session = undefined;
    this.#reader?.break();
    this.#reader = undefined;
    this.#dropEmpty();
    this.#onAllWords = undefined;
    this.#unasked = undefined;
    this.#awaitsUnasked = false;
    this.#askedAgain = false;
    this.#watch.end();
    this.#timers.clear();
    for (const request of this.#requests) request.state = 'waiting';
    // The reply's calls are already being made: the answer to their results takes the place of its rest.
    if ((this.#underWay?.reply.calls.length ?? 0) > 0) this.#end();
  }

  /**
   * Call when another session serves: asks it for what is due.
   * @param isRehearing it hears turns again whose words are not known
   * @param isUnanswered all words are known, and nobody has answered them
   */
  goOn(
    session: RealtimeLinkSession,
    { isRehearing, isUnanswered }: { isRehearing: boolean; isUnanswered: boolean },
  ): void {
    this.#session = session;
    const broken = this.#underWay;
    if (broken && this.said !== '') this.#finish(session, broken, isRehearing);
    else if (broken && (broken.isAsked || !isRehearing)) this.#ask(session, broken.instructions, broken);
    else if (!broken && isUnanswered) this.#answer(session);
    this.askNext();
  }

  /** Call when the hedge session was quicker than the serving one. @param isAsked it gives what was asked for */
  takeOver(session: RealtimeLinkSession, generation: llm.GenerationCreatedEvent, isAsked: boolean): void {
    this.lost();
    this.#session = session;
    const [request] = this.#requests;
    if (isAsked && !this.#underWay && request) this.#open(session, generation, { of: 'owner', request });
    else this.generated(session, generation);
  }

  /** Call when the words that a broken reply answered are known. */
  allWords(): void {
    const goOn = this.#onAllWords;
    this.#timers.cancel('words');
    goOn?.();
  }

  /** Call with a reply that the session began by itself. */
  generated(session: RealtimeLinkSession, generation: llm.GenerationCreatedEvent): void {
    if (this.isRehearing) discard(session, generation);
    else this.#open(session, generation, { of: 'session' });
  }

  /** Call with what the serving session reports beside its streams. */
  sign(session: RealtimeLinkSession, sign: ReplySign): void {
    switch (sign.type) {
      case 'progress':
        this.#isGenerated = false;
        this.#progress(session);
        return;
      case 'generated':
        this.#isGenerated = this.isPending || this.#empty.size > 0;
        return;
      case 'empty':
        this.#nothing(session, false);
        return;
      case 'cut':
        if (this.#reader) this.#reader.isCut = true;
        else this.#nothing(session, false);
        return;
      case 'refused':
        session.fail(
          new ProviderError({
            kind: 'content-refusal',
            provider: session.id,
            message: `${session.id}: ${sign.reason}`,
          }),
        );
        return;
      case 'waiting':
        session.attempt.expectNothing();
        return;
      case 'cancelled':
        this.#conversation.cancel(sign.callIds);
    }
  }

  /** Call when tool results were sent to a session that answers them without being asked. */
  expectUnasked(session: RealtimeLinkSession): void {
    this.#awaitsUnasked = true;
    this.#expectFirst(session);
  }

  /** Ends the reply, of which the owner wants no more. @returns whether there was any of it */
  stop(): boolean {
    const hadResult = this.#reader !== undefined;
    this.#reader?.stop();
    this.#reader = undefined;
    this.#dropEmpty();
    this.#onAllWords = undefined;
    this.#timers.cancel('words');
    this.#end();
    return hadResult;
  }

  /** The part of a message that this session gave. */
  partOf(messageId: string, session: RealtimeLinkSession): PartOrigin | undefined {
    return this.#messages.partOf(messageId, session);
  }

  askNext(): void {
    const session = this.#session;
    const request = this.#requests[0];
    if (!session || !request || request.state !== 'waiting' || this.#underWay) return;
    if (this.#awaitsUnasked) {
      // The owner interrupts before it asks, which cancelled the deadline: it is set again.
      this.#expectFirst(session);
      return;
    }
    if (!this.#events.mayAsk()) return;
    request.state = 'asked';
    this.#expectFirst(session);
    session.ask(request.instructions, request.signal).then(
      (generation) => {
        if (this.#session === session && this.#requests.includes(request))
          this.#open(session, generation, { of: 'owner', request });
      },
      // The session failed, which it reports itself, or is late, which its deadline reports.
      () => {
        if (this.#session === session && request.state === 'asked') request.state = 'late';
      },
    );
  }

  close(): void {
    this.stop();
    this.#timers.clear();
    for (const request of this.#requests.splice(0)) request.reject(new llm.RealtimeError('the session was closed'));
  }

  /** Asks for the rest of a broken reply, from what was heard of it. */
  #finish(session: RealtimeLinkSession, broken: UnderWay, isRehearing: boolean): void {
    const finish = () => {
      this.#onAllWords = undefined;
      if (this.#session !== session || this.#underWay !== broken) return;
      const id = broken.reply.message?.id as string;
      void session.update([llm.ChatMessage.create({ id, role: 'assistant', content: this.said })]);
      this.#ask(session, CONTINUATION_PROMPT, broken);
    };
    if (!isRehearing) {
      finish();
      return;
    }
    this.#onAllWords = finish;
    this.#timers.set('words', WORDS_MS, finish);
  }

  /** Asks for an answer to turns whose words are known but whose answer never began. */
  #answer(session: RealtimeLinkSession): void {
    const reply = new Reply(`reply_${crypto.randomUUID()}`, false);
    this.#underWay = { reply, instructions: undefined, isAsked: false };
    this.#events.onAnswer(session);
    this.#events.onGeneration(reply.event);
    this.#ask(session, undefined, this.#underWay);
  }

  #ask(session: RealtimeLinkSession, instructions: string | undefined, into: UnderWay): void {
    this.#expectFirst(session);
    session.ask(instructions, undefined).then(
      (generation) =>
        this.#session === session && this.#underWay === into && this.#open(session, generation, { of: 'reply', into }),
      () => undefined,
    );
  }

  #expectFirst(session: RealtimeLinkSession): void {
    const { attempt } = session;
    const wait = this.#conversation.endsWithResult ? AFTER_TOOL : attempt.deadlines;
    // The session gave a result in this turn, so its attempt waits for no first one any more: the reply watch waits as long.
    if (!attempt.hasResult) {
      session.expectFirst(wait);
      return;
    }
    this.#watch.expect(0, wait.firstMs);
    if (wait === AFTER_TOOL) attempt.expectNext(wait.firstMs, wait.firstHelpMs);
  }

  #withdraw(request: Request): void {
    if (!this.#requests.includes(request)) return;
    this.#requests = this.#requests.filter((other) => other !== request);
    if (request.state !== 'waiting') this.#session?.attempt.expectNothing();
    request.reject(new llm.RealtimeError('generateReply was aborted'));
    this.askNext();
  }

  /** Reads a generation, which is held until it has content. */
  #open(session: RealtimeLinkSession, generation: llm.GenerationCreatedEvent, purpose: Purpose): void {
    const reader: GenerationReader = new GenerationReader(generation, {
      id: generation.responseId,
      owner: session,
      pace: this.#paceOf(session),
      isTrusted: session.adapter?.isWatchedWithin === true,
      events: {
        onFirst: () => this.#empty.delete(reader) && this.#session === session && this.#first(session, reader, purpose),
        onProgress: () => this.#session === session && this.#progress(session),
        onResult: () => this.#reader === reader && this.#result(session, reader),
        onMessage: (message) => this.#messages.add(message),
        onCall: (call) => this.#reader === reader && this.#call(session, call),
        onComplete: () => {
          if (this.#reader === reader) this.#complete(session, reader);
          else if (this.#empty.delete(reader) && this.#session === session && this.#isWanted(purpose))
            this.#nothing(session, reader.text.trim() !== '');
        },
      },
    });
    this.#empty.add(reader);
  }

  /** The generation has content: it begins a reply, or continues the one that was begun. */
  #first(session: RealtimeLinkSession, reader: GenerationReader, purpose: Purpose): void {
    session.attempt.result();
    this.#askedAgain = false;
    if (purpose.of === 'reply') {
      if (this.#underWay === purpose.into && !this.#reader) this.#pour(session, reader, purpose.into);
    } else if (purpose.of === 'owner') {
      if (this.#requests.includes(purpose.request)) this.#resolve(session, purpose.request, reader);
    } else this.#unaskedFirst(session, reader);
  }

  #unaskedFirst(session: RealtimeLinkSession, reader: GenerationReader): void {
    const [request] = this.#requests;
    if (this.#underWay && !this.#reader) {
      this.#events.onAnswer(session);
      this.#pour(session, reader, this.#underWay);
    } else if (this.#awaitsUnasked) {
      this.#answersResult(session, reader);
    } else if (request?.state === 'late') {
      this.#resolve(session, request, reader);
    } else {
      const isAnswer = this.#events.turn() !== 'none';
      if (isAnswer) this.stop();
      else this.#reader?.finish();
      this.#events.onAnswer(session);
      this.#publish(session, reader);
    }
  }

  #resolve(session: RealtimeLinkSession, request: Request, reader: GenerationReader): void {
    this.#requests = this.#requests.filter((other) => other !== request);
    this.#begin(session, reader, { isAsked: true, instructions: request.instructions }, request.resolve);
    this.askNext();
  }

  /** Holds an answer to a tool's result: the owner asks for it in a moment, or it is published as one that came by itself. */
  #answersResult(session: RealtimeLinkSession, reader: GenerationReader): void {
    this.#awaitsUnasked = false;
    const [request] = this.#requests;
    if (request) {
      this.#resolve(session, request, reader);
      return;
    }
    this.#unasked = reader;
    this.#timers.set('unasked', UNASKED_MS, () => {
      if (this.#unasked !== reader || this.#session !== session) return;
      this.#unasked = undefined;
      this.#publish(session, reader);
    });
  }

  #publish(session: RealtimeLinkSession, reader: GenerationReader): void {
    const how = { isAsked: false, instructions: undefined };
    this.#begin(session, reader, how, (event) => this.#events.onGeneration(event));
  }

  #begin(
    session: RealtimeLinkSession,
    reader: GenerationReader,
    how: Omit<UnderWay, 'reply'>,
    tell: (event: llm.GenerationCreatedEvent) => void,
  ): void {
    const reply = new Reply(reader.id ?? `reply_${crypto.randomUUID()}`, how.isAsked);
    this.#underWay = { reply, ...how };
    tell(reply.event);
    this.#pour(session, reader, this.#underWay);
  }

  #pour(session: RealtimeLinkSession, reader: GenerationReader, { reply }: UnderWay): void {
    this.#reader = reader;
    this.#events.onResult(session);
    reader.pour(reply);
    if (this.#reader === reader) this.#result(session, reader);
  }

  #paceOf({ id }: RealtimeLinkSession): SpeakingPace {
    const pace = this.#paces.get(id) ?? new SpeakingPace();
    this.#paces.set(id, pace);
    return pace;
  }

  #result(session: RealtimeLinkSession, reader: GenerationReader): void {
    session.attempt.result();
    this.#events.onResult(session);
    this.#watch.expect(reader.releasedMs, session.attempt.deadlines.stallMs);
  }

  #progress({ attempt }: RealtimeLinkSession): void {
    attempt.result();
    const reader = this.#reader;
    this.#watch.expect(reader?.releasedMs ?? 0, reader ? attempt.deadlines.stallMs : attempt.deadlines.firstMs);
  }

  /** The audio that was handed on has played out, and no more came in time. */
  #overdue(): void {
    const [session, reader] = [this.#session, this.#reader];
    if (!session) return;
    // Some vendors report the end late, or never.
    const isWhole = reader && (this.#isGenerated || (reader.reply?.calls.length ?? 0) > 0 || isWholeReply(reader.text));
    if (isWhole) reader.finish();
    else if (reader || this.#isDue) {
      const message = `${session.id}: no further result within ${session.attempt.deadlines.stallMs} ms`;
      session.fail(new ProviderError({ kind: 'timeout', provider: session.id, message }));
    }
  }

  #call(session: RealtimeLinkSession, call: llm.FunctionCall): void {
    session.callIds.add(call.callId);
    this.#conversation.add(call);
    this.#underWay?.reply.call(call);
  }

  /** Whether a reply is due that has no content yet. */
  get #isDue(): boolean {
    const isAsked = this.#underWay !== undefined || (this.#requests[0]?.state ?? 'waiting') !== 'waiting';
    return !this.#reader && (isAsked || this.#awaitsUnasked || this.#events.turn() === 'due');
  }

  /** Whether a generation that had no content was wanted. */
  #isWanted(purpose: Purpose): boolean {
    if (purpose.of === 'reply') return this.#underWay === purpose.into;
    if (purpose.of === 'owner') return this.#requests.includes(purpose.request);
    return this.#awaitsUnasked || this.#requests[0]?.state === 'late' || this.#events.turn() === 'due';
  }

  /** A reply had no audible audio and no call. Where none is due, it is ignored; otherwise the session is asked once more. */
  #nothing(session: RealtimeLinkSession, hasText: boolean): void {
    if (!this.#isDue) return;
    session.attempt.expectNothing();
    this.#watch.end();
    const [underWay, request] = [this.#underWay, this.#requests[0]];
    // A reply that was begun may be complete as it stands: then nothing is left to continue.
    if (underWay && isWholeReply(this.said)) {
      this.#end();
      this.#events.onComplete(session);
    } else if (this.#askedAgain) {
      const message = `${session.id}: ended a reply with nothing in it`;
      session.fail(new ProviderError({ kind: 'malformed', provider: session.id, message }));
    } else {
      this.#askedAgain = true;
      const instructions = hasText ? SAY_IT : undefined;
      if (underWay)
        this.#ask(session, this.said === '' ? (instructions ?? underWay.instructions) : CONTINUATION_PROMPT, underWay);
      else if (request && request.state !== 'waiting') {
        request.state = 'waiting';
        this.askNext();
      } else this.#askForAnswer(session, instructions);
    }
  }

  #askForAnswer(session: RealtimeLinkSession, instructions: string | undefined): void {
    this.#expectFirst(session);
    session.ask(instructions, undefined).then(
      (generation) => this.#session === session && this.generated(session, generation),
      () => undefined,
    );
  }

  #complete(session: RealtimeLinkSession, reader: GenerationReader): void {
    session.attempt.expectNothing();
    this.#watch.end();
    this.#reader = undefined;
    const cut = reader.isCut && this.#session === session ? this.#underWay : undefined;
    if (cut && cut.reply.calls.length === 0 && !isWholeReply(this.said) && this.#continuations < MOST_CONTINUATIONS) {
      this.#continuations += 1;
      this.#isGenerated = false;
      this.#ask(session, CONTINUATION_PROMPT, cut);
      return;
    }
    this.#end();
    this.#events.onComplete(session);
  }

  #dropEmpty(): void {
    for (const reader of this.#empty) reader.stop();
    this.#empty.clear();
  }

  #end(): void {
    const reply = this.#underWay?.reply;
    this.#underWay = undefined;
    this.#isGenerated = false;
    this.#continuations = 0;
    this.#watch.end();
    this.#messages.tell(this.#conversation);
    reply?.end();
  }
}
