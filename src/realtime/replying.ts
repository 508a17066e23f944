// What the agent says, whoever gives it: replies that are asked for, that come by themselves, and that broke and go on.
import { llm } from '@livekit/agents';
import type { Clock } from '../failover/clock.ts';
import { ProviderError } from '../failover/provider-error.ts';
import { CONTINUATION_PROMPT, isWholeReply } from '../text/continuation-prompt.ts';
import type { Child } from './child.ts';
import type { Conversation } from './conversation.ts';
import { discard } from './discard.ts';
import { NamedTimers } from './named-timers.ts';
import { Pump } from './pump.ts';
import { type MessagePart, Reply } from './reply.ts';
import { SaidMessages } from './said-messages.ts';
import { SpeakingPace } from './spoken-words.ts';

/** A session that hears a turn again is waited for so long for its words. */
const WORDS_MS = 2_500;
/** The owner asks for the answer to a tool's result within this, or does not want to. */
const UNASKED_MS = 1_000;
/** Of audio still to be played, the next may be so late; less would take a busy moment for an outage. */
const LEAST_STALL_MS = 400;

/** A reply that the owner asked for. */
interface Request {
  readonly instructions: string | undefined;
  readonly signal: AbortSignal | undefined;
  resolve(event: llm.GenerationCreatedEvent): void;
  reject(error: Error): void;
  /** Asked of the session that serves. */
  isAsked: boolean;
}

interface UnderWay {
  readonly reply: Reply;
  /** Of the request; undefined for the answer to a turn. */
  readonly instructions: string | undefined;
  readonly isAsked: boolean;
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
}

export class Replying {
  readonly #clock: Clock;
  readonly #conversation: Conversation;
  readonly #events: ReplyingEvents;
  readonly #timers: NamedTimers<'words' | 'unasked'>;
  /** By link: each voice has its own. */
  readonly #paces = new Map<string, SpeakingPace>();
  readonly #messages = new SaidMessages();
  #child: Child | undefined;
  #requests: Request[] = [];
  /** Under way, or broken and to be gone on with. */
  #underWay: UnderWay | undefined;
  #pump: Pump | undefined;
  /** When the first audio of the reply was handed on by the session that serves. */
  #audioSinceMs: number | undefined;
  #onAllWords: (() => void) | undefined;
  /** A reply to a tool's result that came by itself, before it was asked for. */
  #unasked: llm.GenerationCreatedEvent | undefined;
  #awaitsUnasked = false;

  constructor(clock: Clock, conversation: Conversation, events: ReplyingEvents) {
    this.#clock = clock;
    this.#conversation = conversation;
    this.#events = events;
    this.#timers = new NamedTimers(clock);
  }

  get isIdle(): boolean {
    return !this.#underWay && this.#requests.length === 0 && this.#conversation.openCalls.length === 0;
  }

  /** A session gives one now. */
  get isPumping(): boolean {
    return this.#pump !== undefined;
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
    const underWay = this.#underWay;
    if (underWay) return this.said === '' && underWay.reply.calls.length === 0 ? underWay : undefined;
    const [request] = this.#requests;
    return request?.isAsked ? { instructions: request.instructions, isAsked: true } : undefined;
  }

  request(instructions: string | undefined, signal: AbortSignal | undefined): Promise<llm.GenerationCreatedEvent> {
    return new Promise((resolve, reject) => {
      const unasked = this.#unasked;
      if (unasked && this.#child) {
        this.#unasked = undefined;
        resolve(this.#begin(this.#child, unasked, { isAsked: true, instructions }).event);
        return;
      }
      const request: Request = { instructions, signal, resolve, reject, isAsked: false };
      signal?.addEventListener('abort', () => this.#withdraw(request), { once: true });
      this.#requests.push(request);
      if (signal?.aborted) this.#withdraw(request);
      else this.askNext();
    });
  }

  /** The session that gave it is gone: what it gave is whole up to its last pause. */
  lost(): void {
    this.#child = undefined;
    this.#pump?.break();
    this.#pump = undefined;
    this.#onAllWords = undefined;
    this.#unasked = undefined;
    this.#awaitsUnasked = false;
    this.#timers.clear();
    for (const request of this.#requests) request.isAsked = false;
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
    if (isAsked && !this.#underWay && request) this.#resolve(child, request, generation);
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
    if (this.isRehearing) {
      discard(child, generation);
    } else if (this.#underWay && !this.#pump) {
      this.#events.onAnswer(child);
      this.#pour(child, generation);
    } else if (this.#awaitsUnasked) {
      this.#answersResult(child, generation);
    } else {
      if (this.#underWay) this.stop();
      this.#events.onAnswer(child);
      this.#publish(child, generation);
    }
  }

  /** Tools' results were told to a session that answers them by itself. */
  expectUnasked(child: Child): void {
    this.#awaitsUnasked = true;
    child.attempt.expectFirst();
  }

  /** The owner wants no more of it. @returns whether there was any of it */
  stop(): boolean {
    const hadResult = this.#pump?.hasResult === true;
    this.#pump?.stop();
    this.#pump = undefined;
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
    if (!child || !request || request.isAsked || this.#underWay) return;
    if (this.#awaitsUnasked) {
      // The owner interrupts before it asks, which took the deadline back.
      child.attempt.expectFirst();
      return;
    }
    if (!this.#events.mayAsk()) return;
    request.isAsked = true;
    child.attempt.expectFirst();
    child.ask(request.instructions, request.signal).then(
      (generation) => {
        if (this.#child !== child || !this.#requests.includes(request)) return;
        this.#resolve(child, request, generation);
        this.askNext();
      },
      // It failed, which is told, or is late, which its deadline tells.
      () => undefined,
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
    child.attempt.expectFirst();
    child.ask(instructions, undefined).then(
      (generation) => this.#child === child && this.#underWay === into && this.#pour(child, generation),
      () => undefined,
    );
  }

  #resolve(child: Child, request: Request, generation: llm.GenerationCreatedEvent): void {
    this.#requests = this.#requests.filter((other) => other !== request);
    const { instructions } = request;
    request.resolve(this.#begin(child, generation, { isAsked: true, instructions }).event);
  }

  #withdraw(request: Request): void {
    if (!this.#requests.includes(request)) return;
    this.#requests = this.#requests.filter((other) => other !== request);
    if (request.isAsked) this.#child?.attempt.expectNothing();
    request.reject(new llm.RealtimeError('generateReply was aborted'));
    this.askNext();
  }

  /** The owner asks for it in a moment; if not, it came by itself. */
  #answersResult(child: Child, generation: llm.GenerationCreatedEvent): void {
    this.#awaitsUnasked = false;
    const [request] = this.#requests;
    if (request) {
      this.#resolve(child, request, generation);
      return;
    }
    this.#unasked = generation;
    this.#timers.set('unasked', UNASKED_MS, () => {
      if (this.#unasked !== generation || this.#child !== child) return;
      this.#unasked = undefined;
      this.#publish(child, generation);
    });
  }

  #publish(child: Child, generation: llm.GenerationCreatedEvent): void {
    this.#events.onGeneration(this.#begin(child, generation, { isAsked: false, instructions: undefined }).event);
  }

  #begin(child: Child, generation: llm.GenerationCreatedEvent, how: Omit<UnderWay, 'reply'>): Reply {
    const reply = new Reply(generation.responseId ?? `reply_${crypto.randomUUID()}`, how.isAsked);
    this.#underWay = { reply, ...how };
    this.#pour(child, generation);
    return reply;
  }

  #pour(child: Child, generation: llm.GenerationCreatedEvent): void {
    const reply = this.#underWay?.reply;
    if (!reply) return;
    child.attempt.expectFirst();
    this.#audioSinceMs = undefined;
    this.#pump = new Pump(generation, {
      owner: child,
      reply,
      pace: this.#paceOf(child),
      events: {
        onResult: (pump) => this.#pump === pump && this.#result(child, pump),
        onMessage: (_pump, message) => this.#messages.add(message),
        onCall: (pump, call) => this.#pump === pump && this.#call(child, reply, call),
        onComplete: (pump) => this.#pump === pump && this.#complete(child, pump),
      },
    });
  }

  #paceOf({ id }: Child): SpeakingPace {
    const pace = this.#paces.get(id) ?? new SpeakingPace();
    this.#paces.set(id, pace);
    return pace;
  }

  #result(child: Child, pump: Pump): void {
    child.attempt.result();
    this.#events.onResult(child);
    const now = this.#clock.now();
    this.#audioSinceMs ??= now;
    const leftMs = pump.releasedMs - (now - this.#audioSinceMs);
    child.attempt.expectNext(Math.max(LEAST_STALL_MS, leftMs + child.attempt.deadlines.stallMs));
  }

  #call(child: Child, reply: Reply, call: llm.FunctionCall): void {
    child.callIds.add(call.callId);
    this.#conversation.add(call);
    reply.call(call);
  }

  #complete(child: Child, pump: Pump): void {
    child.attempt.expectNothing();
    this.#pump = undefined;
    // A begun reply may be whole as it stands; then there is nothing to go on with.
    if (!pump.hasResult && pump.reply.calls.length === 0 && !isWholeReply(this.said)) {
      const message = `${child.id}: ended a reply with nothing in it`;
      child.fail(new ProviderError({ kind: 'malformed', provider: child.id, message }));
      return;
    }
    this.#end();
    this.#events.onComplete(child);
  }

  #end(): void {
    const reply = this.#underWay?.reply;
    this.#underWay = undefined;
    this.#messages.tell(this.#conversation);
    reply?.end();
  }
}
