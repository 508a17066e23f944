// What the agent says, whoever gives it: replies that are asked for, that come by themselves, and that broke and go on.
import { llm } from '@livekit/agents';
import type { Clock } from '../../failover/clock.ts';
import { ProviderError } from '../../failover/provider-error.ts';
import { CONTINUATION_PROMPT, isWholeReply } from '../../text/continuation-prompt.ts';
import type { ReplySign } from '../adapter-contract.ts';
import type { Conversation } from './conversation.ts';
import { discard } from './discard.ts';
import { Pump } from './generation-reader.ts';
import type { Child } from './link-session.ts';
import { NamedTimers } from './named-timers.ts';
import { type MessagePart, Reply } from './reply.ts';
import { ReplyWatch } from './reply-watch.ts';
import { SaidMessages } from './said-messages.ts';
import { SpeakingPace } from './spoken-words.ts';

/** A session that hears a turn again is waited for so long for its words. */
const WORDS_MS = 2_500;
/** The owner asks for the answer to a tool's result within this, or does not want to. */
const UNASKED_MS = 1_000;
/** Answers to tools' results take 1.8 to 4.1 s at healthy vendors. */
const AFTER_TOOL = { firstHelpMs: 3_000, firstMs: 8_000 };
/** Of one reply that is cut again and again. */
const MOST_CONTINUATIONS = 3;
/** What is said to a session whose reply had words and no sound. */
const SAY_IT = '(Your last reply could not be heard. Say it now, word for word, without a remark on this.)';

/** A reply that the owner asked for. */
interface Request {
  readonly instructions: string | undefined;
  readonly signal: AbortSignal | undefined;
  resolve(event: llm.GenerationCreatedEvent): void;
  reject(error: Error): void;
  /** 'late': its plugin waits no longer, and will take the answer for one that nobody asked for. */
  state: 'waiting' | 'asked' | 'late';
}

interface UnderWay {
  readonly reply: Reply;
  /** Of the request; undefined for the answer to a turn. */
  readonly instructions: string | undefined;
  readonly isAsked: boolean;
}

/** What a generation of a session's is for, once there is something in it. */
type Purpose = { readonly of: 'session' } | { readonly of: 'owner'; readonly request: Request } | UnderWayPurpose;
interface UnderWayPurpose {
  readonly of: 'reply';
  readonly into: UnderWay;
}

export interface ReplyingEvents {
  /** One that nobody asked for: the owner is to be told. */
  onGeneration(event: llm.GenerationCreatedEvent): void;
  /** Words or audio came from the session that serves. */
  onResult(child: Child): void;
  /** A reply is complete. */
  onComplete(child: Child): void;
  /** The caller's turns have an answer. */
  onAnswer(child: Child): void;
  /** Whether the session that serves may be asked now. */
  mayAsk(): boolean;
  /** 'due': the caller is quiet, and nobody has answered; 'none': nothing was said since the last answer. */
  turn(): 'none' | 'open' | 'due';
}

export class Replying {
  readonly #conversation: Conversation;
  readonly #events: ReplyingEvents;
  readonly #timers: NamedTimers<'words' | 'unasked'>;
  readonly #watch: ReplyWatch;
  /** By link: each voice has its own. */
  readonly #paces = new Map<string, SpeakingPace>();
  readonly #messages = new SaidMessages();
  #child: Child | undefined;
  #requests: Request[] = [];
  /** Under way, or broken and to be gone on with. */
  #underWay: UnderWay | undefined;
  #pump: Pump | undefined;
  /** Generations in which there is nothing yet. */
  readonly #empty = new Set<Pump>();
  #isGenerated = false;
  /** The session was asked once more, after a reply that had nothing in it or was cut. */
  #askedAgain = false;
  /** Of the reply under way, by the session that had cut it. */
  #continuations = 0;
  #onAllWords: (() => void) | undefined;
  /** A reply to a tool's result that came by itself, before it was asked for. */
  #unasked: Pump | undefined;
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

  /** A session hears a turn again for its words only: what it would answer is not wanted. */
  get isRehearing(): boolean {
    return this.#onAllWords !== undefined;
  }

  /** What was handed on of a reply that is not complete. */
  get said(): string {
    return this.#underWay?.reply.message?.said ?? '';
  }

  /** What was asked of the session that serves and did not begin. */
  get due(): { readonly instructions: string | undefined; readonly isAsked: boolean } | undefined {
    const [underWay, request] = [this.#underWay, this.#requests[0]];
    if (underWay) return this.said === '' && underWay.reply.calls.length === 0 ? underWay : undefined;
    return request && request.state !== 'waiting' ? { instructions: request.instructions, isAsked: true } : undefined;
  }

  request(instructions: string | undefined, signal: AbortSignal | undefined): Promise<llm.GenerationCreatedEvent> {
    return new Promise((resolve, reject) => {
      const request: Request = { instructions, signal, resolve, reject, state: 'waiting' };
      const unasked = this.#unasked;
      if (unasked && this.#child) {
        this.#unasked = undefined;
        this.#begin(this.#child, unasked, { isAsked: true, instructions }, resolve);
        return;
      }
      signal?.addEventListener('abort', () => this.#withdraw(request), { once: true });
      this.#requests.push(request);
      if (signal?.aborted) this.#withdraw(request);
      else this.askNext();
    });
  }

  /** The session that gave it is gone: what it gave is whole up to its last pause. */
  lost(): void {
    // One that was generated to its end is whole.
    if (this.#isGenerated) this.#pump?.finish();
    this.#child = undefined;
    this.#pump?.break();
    this.#pump = undefined;
    this.#dropEmpty();
    this.#onAllWords = undefined;
    this.#unasked = undefined;
    this.#awaitsUnasked = false;
    this.#askedAgain = false;
    this.#watch.end();
    this.#timers.clear();
    for (const request of this.#requests) request.state = 'waiting';
    // Its calls are being made; the rest of it is the answer to their results.
    if ((this.#underWay?.reply.calls.length ?? 0) > 0) this.#end();
  }

  /**
   * Another session serves.
   * @param isRehearing it hears turns again whose words are not known
   * @param isUnanswered all words are known, and nobody has answered them
   */
  goOn(child: Child, { isRehearing, isUnanswered }: { isRehearing: boolean; isUnanswered: boolean }): void {
    this.#child = child;
    const broken = this.#underWay;
    if (broken && this.said !== '') this.#finish(child, broken, isRehearing);
    else if (broken && (broken.isAsked || !isRehearing)) this.#ask(child, broken.instructions, broken);
    else if (!broken && isUnanswered) this.#answer(child);
    this.askNext();
  }

  /** Another session was quicker than the one that served. @param isAsked it gives what was asked for */
  takeOver(child: Child, generation: llm.GenerationCreatedEvent, isAsked: boolean): void {
    this.lost();
    this.#child = child;
    const [request] = this.#requests;
    if (isAsked && !this.#underWay && request) this.#open(child, generation, { of: 'owner', request });
    else this.generated(child, generation);
  }

  /** The words are known that a broken reply answered. */
  allWords(): void {
    const goOn = this.#onAllWords;
    this.#timers.cancel('words');
    goOn?.();
  }

  /** A reply that the session began by itself. */
  generated(child: Child, generation: llm.GenerationCreatedEvent): void {
    if (this.isRehearing) discard(child, generation);
    else this.#open(child, generation, { of: 'session' });
  }

  /** What the session that serves says beside its streams. */
  sign(child: Child, sign: ReplySign): void {
    switch (sign.type) {
      case 'progress':
        this.#isGenerated = false;
        this.#progress(child);
        return;
      case 'generated':
        this.#isGenerated = this.isPending || this.#empty.size > 0;
        return;
      case 'empty':
        this.#nothing(child, false);
        return;
      case 'cut':
        if (this.#pump) this.#pump.isCut = true;
        else this.#nothing(child, false);
        return;
      case 'refused':
        child.fail(
          new ProviderError({ kind: 'content-refusal', provider: child.id, message: `${child.id}: ${sign.reason}` }),
        );
        return;
      case 'waiting':
        child.attempt.expectNothing();
        return;
      case 'cancelled':
        this.#conversation.cancel(sign.callIds);
    }
  }

  /** Tools' results were told to a session that answers them by itself. */
  expectUnasked(child: Child): void {
    this.#awaitsUnasked = true;
    this.#expectFirst(child);
  }

  /** The owner wants no more of it. @returns whether there was any of it */
  stop(): boolean {
    const hadResult = this.#pump !== undefined;
    this.#pump?.stop();
    this.#pump = undefined;
    this.#dropEmpty();
    this.#onAllWords = undefined;
    this.#timers.cancel('words');
    this.#end();
    return hadResult;
  }

  /** The part of a message that this session gave. */
  partOf(messageId: string, child: Child): MessagePart | undefined {
    return this.#messages.partOf(messageId, child);
  }

  askNext(): void {
    const child = this.#child;
    const request = this.#requests[0];
    if (!child || !request || request.state !== 'waiting' || this.#underWay) return;
    if (this.#awaitsUnasked) {
      // The owner interrupts before it asks, which took the deadline back.
      this.#expectFirst(child);
      return;
    }
    if (!this.#events.mayAsk()) return;
    request.state = 'asked';
    this.#expectFirst(child);
    child.ask(request.instructions, request.signal).then(
      (generation) => {
        if (this.#child === child && this.#requests.includes(request))
          this.#open(child, generation, { of: 'owner', request });
      },
      // It failed, which is told, or is late, which its deadline tells.
      () => {
        if (this.#child === child && request.state === 'asked') request.state = 'late';
      },
    );
  }

  close(): void {
    this.stop();
    this.#timers.clear();
    for (const request of this.#requests.splice(0)) request.reject(new llm.RealtimeError('the session was closed'));
  }

  /** A broken reply is finished from what was heard of it. */
  #finish(child: Child, broken: UnderWay, isRehearing: boolean): void {
    const finish = () => {
      this.#onAllWords = undefined;
      if (this.#child !== child || this.#underWay !== broken) return;
      const id = broken.reply.message?.id as string;
      void child.update([llm.ChatMessage.create({ id, role: 'assistant', content: this.said })]);
      this.#ask(child, CONTINUATION_PROMPT, broken);
    };
    if (!isRehearing) {
      finish();
      return;
    }
    this.#onAllWords = finish;
    this.#timers.set('words', WORDS_MS, finish);
  }

  /** To turns whose words are known but whose answer never began. */
  #answer(child: Child): void {
    const reply = new Reply(`reply_${crypto.randomUUID()}`, false);
    this.#underWay = { reply, instructions: undefined, isAsked: false };
    this.#events.onAnswer(child);
    this.#events.onGeneration(reply.event);
    this.#ask(child, undefined, this.#underWay);
  }

  #ask(child: Child, instructions: string | undefined, into: UnderWay): void {
    this.#expectFirst(child);
    child.ask(instructions, undefined).then(
      (generation) =>
        this.#child === child && this.#underWay === into && this.#open(child, generation, { of: 'reply', into }),
      () => undefined,
    );
  }

  #expectFirst(child: Child): void {
    const { attempt } = child;
    const wait = this.#conversation.endsWithResult ? AFTER_TOOL : attempt.deadlines;
    // It has proved itself in this turn, and is waited for as before.
    if (attempt.hasResult) this.#watch.expect(0, wait.firstMs);
    else child.expectFirst(wait);
  }

  #withdraw(request: Request): void {
    if (!this.#requests.includes(request)) return;
    this.#requests = this.#requests.filter((other) => other !== request);
    if (request.state !== 'waiting') this.#child?.attempt.expectNothing();
    request.reject(new llm.RealtimeError('generateReply was aborted'));
    this.askNext();
  }

  /** It is held until there is something in it. */
  #open(child: Child, generation: llm.GenerationCreatedEvent, purpose: Purpose): void {
    const pump: Pump = new Pump(generation, {
      id: generation.responseId,
      owner: child,
      pace: this.#paceOf(child),
      isTrusted: child.adapter?.isWatchedWithin === true,
      events: {
        onFirst: () => this.#empty.delete(pump) && this.#child === child && this.#first(child, pump, purpose),
        onProgress: () => this.#child === child && this.#progress(child),
        onResult: () => this.#pump === pump && this.#result(child, pump),
        onMessage: (message) => this.#messages.add(message),
        onCall: (call) => this.#pump === pump && this.#call(child, call),
        onComplete: () => {
          if (this.#pump === pump) this.#complete(child, pump);
          else if (this.#empty.delete(pump) && this.#child === child && this.#isWanted(purpose))
            this.#nothing(child, pump.text.trim() !== '');
        },
      },
    });
    this.#empty.add(pump);
  }

  /** There is something in it: it is told, or goes on with what was begun. */
  #first(child: Child, pump: Pump, purpose: Purpose): void {
    child.attempt.result();
    this.#askedAgain = false;
    if (purpose.of === 'reply') {
      if (this.#underWay === purpose.into && !this.#pump) this.#pour(child, pump, purpose.into);
    } else if (purpose.of === 'owner') {
      if (this.#requests.includes(purpose.request)) this.#resolve(child, purpose.request, pump);
    } else this.#unaskedFirst(child, pump);
  }

  #unaskedFirst(child: Child, pump: Pump): void {
    const [request] = this.#requests;
    if (this.#underWay && !this.#pump) {
      this.#events.onAnswer(child);
      this.#pour(child, pump, this.#underWay);
    } else if (this.#awaitsUnasked) {
      this.#answersResult(child, pump);
    } else if (request?.state === 'late') {
      this.#resolve(child, request, pump);
    } else {
      const isAnswer = this.#events.turn() !== 'none';
      if (isAnswer) this.stop();
      else this.#pump?.finish();
      this.#events.onAnswer(child);
      this.#publish(child, pump);
    }
  }

  #resolve(child: Child, request: Request, pump: Pump): void {
    this.#requests = this.#requests.filter((other) => other !== request);
    this.#begin(child, pump, { isAsked: true, instructions: request.instructions }, request.resolve);
    this.askNext();
  }

  /** The owner asks for it in a moment; if not, it came by itself. */
  #answersResult(child: Child, pump: Pump): void {
    this.#awaitsUnasked = false;
    const [request] = this.#requests;
    if (request) {
      this.#resolve(child, request, pump);
      return;
    }
    this.#unasked = pump;
    this.#timers.set('unasked', UNASKED_MS, () => {
      if (this.#unasked !== pump || this.#child !== child) return;
      this.#unasked = undefined;
      this.#publish(child, pump);
    });
  }

  #publish(child: Child, pump: Pump): void {
    const how = { isAsked: false, instructions: undefined };
    this.#begin(child, pump, how, (event) => this.#events.onGeneration(event));
  }

  #begin(
    child: Child,
    pump: Pump,
    how: Omit<UnderWay, 'reply'>,
    tell: (event: llm.GenerationCreatedEvent) => void,
  ): void {
    const reply = new Reply(pump.id ?? `reply_${crypto.randomUUID()}`, how.isAsked);
    this.#underWay = { reply, ...how };
    tell(reply.event);
    this.#pour(child, pump, this.#underWay);
  }

  #pour(child: Child, pump: Pump, { reply }: UnderWay): void {
    this.#pump = pump;
    this.#events.onResult(child);
    pump.pour(reply);
    if (this.#pump === pump) this.#result(child, pump);
  }

  #paceOf({ id }: Child): SpeakingPace {
    const pace = this.#paces.get(id) ?? new SpeakingPace();
    this.#paces.set(id, pace);
    return pace;
  }

  #result(child: Child, pump: Pump): void {
    child.attempt.result();
    this.#events.onResult(child);
    this.#watch.expect(pump.releasedMs, child.attempt.deadlines.stallMs);
  }

  #progress({ attempt }: Child): void {
    attempt.result();
    const pump = this.#pump;
    this.#watch.expect(pump?.releasedMs ?? 0, pump ? attempt.deadlines.stallMs : attempt.deadlines.firstMs);
  }

  /** What was handed on has played out, and no more came. */
  #overdue(): void {
    const [child, pump] = [this.#child, this.#pump];
    if (!child) return;
    // Some vendors tell the end late, or never.
    const isWhole = pump && (this.#isGenerated || (pump.reply?.calls.length ?? 0) > 0 || isWholeReply(pump.text));
    if (isWhole) pump.finish();
    else if (pump || this.#isDue) {
      const message = `${child.id}: no further result within ${child.attempt.deadlines.stallMs} ms`;
      child.fail(new ProviderError({ kind: 'timeout', provider: child.id, message }));
    }
  }

  #call(child: Child, call: llm.FunctionCall): void {
    child.callIds.add(call.callId);
    this.#conversation.add(call);
    this.#underWay?.reply.call(call);
  }

  /** Somebody waits for a reply of which there is nothing yet. */
  get #isDue(): boolean {
    const isAsked = this.#underWay !== undefined || (this.#requests[0]?.state ?? 'waiting') !== 'waiting';
    return !this.#pump && (isAsked || this.#awaitsUnasked || this.#events.turn() === 'due');
  }

  /** Whether a generation in which there was nothing was wanted. */
  #isWanted(purpose: Purpose): boolean {
    if (purpose.of === 'reply') return this.#underWay === purpose.into;
    if (purpose.of === 'owner') return this.#requests.includes(purpose.request);
    return this.#awaitsUnasked || this.#requests[0]?.state === 'late' || this.#events.turn() === 'due';
  }

  /** A reply had nothing in it to hear or to call. Where nobody waits for one, it is none; else the session is asked once more. */
  #nothing(child: Child, hasText: boolean): void {
    if (!this.#isDue) return;
    child.attempt.expectNothing();
    this.#watch.end();
    const [underWay, request] = [this.#underWay, this.#requests[0]];
    // A begun reply may be whole as it stands; then there is nothing to go on with.
    if (underWay && isWholeReply(this.said)) {
      this.#end();
      this.#events.onComplete(child);
    } else if (this.#askedAgain) {
      const message = `${child.id}: ended a reply with nothing in it`;
      child.fail(new ProviderError({ kind: 'malformed', provider: child.id, message }));
    } else {
      this.#askedAgain = true;
      const instructions = hasText ? SAY_IT : undefined;
      if (underWay)
        this.#ask(child, this.said === '' ? (instructions ?? underWay.instructions) : CONTINUATION_PROMPT, underWay);
      else if (request && request.state !== 'waiting') {
        request.state = 'waiting';
        this.askNext();
      } else this.#askForAnswer(child, instructions);
    }
  }

  #askForAnswer(child: Child, instructions: string | undefined): void {
    this.#expectFirst(child);
    child.ask(instructions, undefined).then(
      (generation) => this.#child === child && this.generated(child, generation),
      () => undefined,
    );
  }

  #complete(child: Child, pump: Pump): void {
    child.attempt.expectNothing();
    this.#watch.end();
    this.#pump = undefined;
    const cut = pump.isCut && this.#child === child ? this.#underWay : undefined;
    if (cut && cut.reply.calls.length === 0 && !isWholeReply(this.said) && this.#continuations < MOST_CONTINUATIONS) {
      this.#continuations += 1;
      this.#isGenerated = false;
      this.#ask(child, CONTINUATION_PROMPT, cut);
      return;
    }
    this.#end();
    this.#events.onComplete(child);
  }

  #dropEmpty(): void {
    for (const pump of this.#empty) pump.stop();
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
