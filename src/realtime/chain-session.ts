// The one session that LiveKit sees: whoever serves, the conversation, the caller's words and the reply under way go on.
import type { ReadableStream } from 'node:stream/web';
import { llm } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { StreamResampler } from '../audio/stream-resampler.ts';
import type { Attempt } from '../failover/attempt.ts';
import type { Failover, Switch } from '../failover/failover.ts';
import { ProviderError } from '../failover/provider-error.ts';
import { CONTINUATION_PROMPT } from '../text/continuation-prompt.ts';
import { CALLER_RATE_HZ, CallerAudio } from './caller-audio.ts';
import type { RealtimeChain } from './chain.ts';
import type { Child } from './child.ts';
import type { RealtimeLink } from './contract.ts';
import { Conversation } from './conversation.ts';
import { Pump } from './pump.ts';
import { type Message, type MessagePart, Reply } from './reply.ts';
import { SpeakingPace } from './spoken-words.ts';
import { Succession } from './succession.ts';
import { CallerTurns } from './turns.ts';

/** After so much silence the turn is the agent's, as far as can be told without the vendor. */
const TURN_END_MS = 500;
/** A session that hears a turn again is waited for so long for its words. */
const WORDS_MS = 2_500;
/** The start that a session tells of a turn which it only hears again. */
const ECHO_MS = 1_500;
/** After noise was taken for speech, so long nobody is doubted for an answer that does not come. */
const TRUST_MS = 30_000;
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

export interface ChainSessionOptions {
  readonly returnToBetter: boolean;
}

export class ChainSession extends llm.RealtimeSession {
  readonly #failover: Failover<RealtimeLink>;
  readonly #succession: Succession;
  readonly #conversation = new Conversation();
  readonly #audio = new CallerAudio();
  readonly #turns = new CallerTurns();
  /** By link: each voice has its own. */
  readonly #paces = new Map<string, SpeakingPace>();
  readonly #cancels = new Map<string, () => void>();
  #resampler: { readonly fromHz: number; readonly push: (samples: Int16Array) => Int16Array } | undefined;
  #instructions: string | undefined;
  #tools = llm.ToolContext.empty();
  #toolChoice: llm.ToolChoice | null | undefined;
  #requests: Request[] = [];
  /** Under way, or broken and to be gone on with. */
  #reply: UnderWay | undefined;
  #pump: Pump | undefined;
  /** When the first audio of the reply was handed on by the session that serves. */
  #audioSinceMs: number | undefined;
  /** A session hears a turn again for its words only: what it would answer is not wanted. */
  #isRehearing = false;
  /** A reply that came by itself after a tool's result, before it was asked for. */
  #unasked: llm.GenerationCreatedEvent | undefined;
  #awaitsUnasked = false;
  #ignoresStartUntilMs = Number.NEGATIVE_INFINITY;
  #pendingStart = false;
  /** Of the last messages, by whom their parts were given. */
  readonly #parts = new Map<string, readonly MessagePart[]>();
  #switch: (Omit<Switch, 'tookMs'> & { readonly noticedMs: number }) | undefined;
  #noticedMs: number | undefined;
  /** The session that told that the caller began to speak, until it tells the end. */
  #hears: Child | undefined;
  /** The owner takes the caller to be speaking. */
  #isTold = false;
  /** It did not answer what may have been noise. */
  #doubted: { readonly attempt: Attempt<RealtimeLink>; readonly error: ProviderError } | undefined;
  #trustsUntilMs = Number.NEGATIVE_INFINITY;
  #afterWords: (() => void) | undefined;
  /** Of the reply under way. */
  readonly #messages = new Set<Message>();
  #isClosed = false;

  constructor(model: RealtimeChain, failover: Failover<RealtimeLink>, options: ChainSessionOptions) {
    super(model);
    this.#failover = failover;
    this.#succession = new Succession(
      failover,
      {
        setup: () => ({
          instructions: this.#instructions,
          tools: this.#tools,
          toolChoice: this.#toolChoice,
          history: this.#history(),
        }),
        onServing: (child, before, error) => this.#serve(child, before, error),
        onLost: () => this.#lost(),
        onExhausted: (error) => failover.events.onExhausted?.('realtime', error),
        isBoundary: () => this.#isBoundary(),
        onSpeech: (child, isStart) => this.#speech(child, isStart),
        onTranscript: (child, event) => this.#transcript(child, event),
        onGeneration: (child, event) => this.#generation(child, event),
        onMetrics: (metrics) => this.emit('metrics_collected', metrics),
      },
      options.returnToBetter,
    );
    // The owner sets it up in the same moment: the first session begins with all of it.
    setImmediate(() => this.#succession.start());
  }

  override get chatCtx(): llm.ChatContext {
    return this.#conversation.context;
  }

  override get tools(): llm.ToolContext {
    return this.#tools.copy();
  }

  override async updateInstructions(instructions: string): Promise<void> {
    this.#instructions = instructions;
    this.#child?.do((session) => session.updateInstructions(instructions));
  }

  override async updateChatCtx(context: llm.ChatContext): Promise<void> {
    const { added, removed } = this.#conversation.replace(context);
    const child = this.#child;
    if (!child) return;
    if (added.some((item) => item.type === 'function_call_output' && child.callIds.has(item.callId))) {
      this.#awaitsUnasked = child.capabilities?.autoToolReplyGeneration === true;
      if (this.#awaitsUnasked) child.attempt.expectFirst();
    }
    await child.update(added, removed);
  }

  override async updateTools(tools: llm.ToolContext): Promise<void> {
    if (this.#tools.equals(tools)) return;
    this.#tools = tools;
    const child = this.#child;
    // Where tools are part of the setup, the plugin would connect again and forget: we do.
    if (child?.adapter?.setsUp) this.#succession.renew();
    else child?.do((session) => session.updateTools(tools));
  }

  override updateOptions({ toolChoice }: { toolChoice?: llm.ToolChoice | null }): void {
    this.#toolChoice = toolChoice;
    this.#child?.do((session) => session.updateOptions({ ...(toolChoice !== undefined && { toolChoice }) }));
  }

  override pushAudio(frame: AudioFrame): void {
    if (this.#isClosed) return;
    const samples = this.#at24k(frame);
    if (samples.length === 0) return;
    const change = this.#audio.write(samples);
    this.#child?.pushAudio(new AudioFrame(samples, CALLER_RATE_HZ, 1, samples.length));
    if (change === 'began') this.#turns.begin(this.#audio.onset, this.#now);
    this.#watchTurn(change);
  }

  override generateReply(
    instructions?: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<llm.GenerationCreatedEvent> {
    return new Promise((resolve, reject) => {
      const request: Request = { instructions, signal, resolve, reject, isAsked: false };
      const unasked = this.#unasked;
      if (unasked && this.#child) {
        this.#unasked = undefined;
        resolve(this.#begin(this.#child, unasked, { isAsked: true, instructions }).event);
        return;
      }
      signal?.addEventListener('abort', () => this.#withdraw(request), { once: true });
      if (signal?.aborted) {
        reject(new llm.RealtimeError('generateReply was aborted'));
        return;
      }
      this.#requests.push(request);
      this.#askRequests();
    });
  }

  override async commitAudio(): Promise<void> {
    this.#child?.do((session) => session.commitAudio());
  }

  override async clearAudio(): Promise<void> {
    this.#turns.clear();
    this.#child?.do((session) => session.clearAudio());
  }

  override async interrupt(): Promise<void> {
    this.#stopReply();
    this.#child?.do((session) => session.interrupt());
    this.#child?.attempt.expectNothing();
    this.#succession.atBoundary();
  }

  override async truncate({
    messageId,
    audioEndMs,
    modalities,
    audioTranscript,
  }: Parameters<llm.RealtimeSession['truncate']>[0]): Promise<void> {
    if (audioTranscript !== undefined) this.#conversation.agentSaid(messageId, audioTranscript);
    const child = this.#child;
    const part = child && this.#parts.get(messageId)?.findLast(({ owner }) => owner === child);
    if (!child?.capabilities?.messageTruncation || !part) return;
    child.do((session) =>
      session.truncate({
        messageId: part.messageId,
        audioEndMs: Math.max(0, audioEndMs - part.fromMs),
        ...(modalities && { modalities }),
        ...(audioTranscript !== undefined && part.fromMs === 0 && { audioTranscript }),
      }),
    );
  }

  override startUserActivity(): void {
    this.#child?.do((session) => session.startUserActivity());
  }

  override async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopReply();
    this.#doubted?.attempt.release();
    for (const cancel of this.#cancels.values()) cancel();
    for (const request of this.#requests.splice(0)) request.reject(new llm.RealtimeError('the session was closed'));
    this.#succession.close();
    await super.close();
  }

  get #child(): Child | undefined {
    return this.#succession.child;
  }

  get #now(): number {
    return this.#failover.clock.now();
  }

  // -- who serves

  #lost(): void {
    const noticedMs = this.#now;
    this.#noticedMs ??= noticedMs;
    this.#pump?.break();
    this.#pump = undefined;
    this.#audioSinceMs = undefined;
    this.#isRehearing = false;
    this.#unasked = undefined;
    this.#awaitsUnasked = false;
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
    for (const request of this.#requests) request.isAsked = false;
    const reply = this.#reply?.reply;
    // Its calls are being made; the rest of it is the answer to their results.
    if (reply && reply.calls.length > 0) this.#endReply();
  }

  #serve(child: Child, before: Child | undefined, error: ProviderError | undefined): void {
    if (!error && before) this.#lost();
    const noticedMs = this.#noticedMs ?? this.#now;
    this.#noticedMs = undefined;
    if (before && error) {
      const { kind, status, message } = error;
      this.#switch = { stage: 'realtime', from: before.id, to: child.id, kind, status, message, noticedMs };
    }
    child.catchUp(this.#conversation.context);
    const from = this.#turns.wordlessFrom;
    const isEnded = !this.#audio.isSpeech && this.#audio.quietMs >= TURN_END_MS;
    const broken = this.#reply;
    const said = broken?.reply.message?.said ?? '';
    const isPending = broken !== undefined || from !== undefined || this.#requests.length > 0;
    if (from !== undefined) this.#rehear(child, from, isEnded);
    if (broken && said !== '') this.#goOn(child, broken, said, from !== undefined);
    else if (broken && (from === undefined || broken.isAsked)) this.#answerAgain(child, broken);
    else if (!broken && from === undefined && this.#turns.isUnanswered && !this.#turns.isOpen) this.#answer(child);
    if (!isPending) this.#tellSwitch();
    this.#askRequests();
  }

  /** What the caller said in turns without words is said to it again; live audio follows. */
  #rehear(child: Child, from: number, isEnded: boolean): void {
    let samples = 0;
    for (const piece of this.#audio.replay(from, isEnded)) {
      samples += piece.length;
      child.pushAudio(new AudioFrame(piece, CALLER_RATE_HZ, 1, piece.length));
    }
    if (this.#switch)
      this.#switch = { ...this.#switch, audioReplayedMs: Math.round((samples * 1000) / CALLER_RATE_HZ) };
    // The owner was told before that the caller began to speak, or is not to be stopped by what was said before.
    if (this.#isTold || this.#reply) this.#ignoresStartUntilMs = this.#now + ECHO_MS;
    if (!isEnded || this.#reply?.reply.message?.said) return;
    if (!this.#doubted) child.attempt.expectFirst();
    else this.#later('doubt', 2 * child.attempt.deadlines.firstMs, () => this.#clearDoubt(undefined));
  }

  /** A broken reply is finished from what was heard of it. */
  #goOn(child: Child, broken: UnderWay, said: string, isRehearing: boolean): void {
    const goOn = () => {
      if (this.#child !== child || this.#reply !== broken) return;
      this.#isRehearing = false;
      const id = broken.reply.message?.id as string;
      void child.update([llm.ChatMessage.create({ id, role: 'assistant', content: said })]);
      this.#ask(child, CONTINUATION_PROMPT, undefined, broken);
    };
    if (!isRehearing) {
      goOn();
      return;
    }
    this.#isRehearing = true;
    this.#afterWords = goOn;
    this.#later('words', WORDS_MS, goOn);
  }

  #answerAgain(child: Child, broken: UnderWay): void {
    this.#ask(child, broken.instructions, undefined, broken);
  }

  #answer(child: Child): void {
    const underWay = {
      reply: new Reply(`reply_${crypto.randomUUID()}`, false),
      instructions: undefined,
      isAsked: false,
    };
    this.#reply = underWay;
    this.#turns.answered(this.#now, false);
    this.emit('generation_created', underWay.reply.event);
    this.#ask(child, undefined, undefined, underWay);
  }

  #ask(child: Child, instructions: string | undefined, signal: AbortSignal | undefined, into: UnderWay): void {
    child.attempt.expectFirst();
    child.ask(instructions, signal).then(
      (generation) => this.#child === child && this.#reply === into && this.#pour(child, generation),
      // It failed, which is told, or is late, which its deadline tells.
      () => undefined,
    );
  }

  #tellSwitch(): void {
    if (!this.#switch) return;
    const { noticedMs, ...event } = this.#switch;
    this.#switch = undefined;
    this.#failover.events.onSwitch?.({ ...event, tookMs: Math.round(this.#now - noticedMs) });
  }

  #isBoundary(): boolean {
    return (
      !this.#reply &&
      this.#requests.length === 0 &&
      this.#turns.isEmpty &&
      !this.#audio.isSpeech &&
      this.#conversation.openCalls.length === 0
    );
  }

  /** The conversation; a broken reply follows when the words that it answers are there. */
  #history(): llm.ChatContext {
    return this.#conversation.context;
  }

  // -- the caller

  #speech(child: Child, isStart: boolean): void {
    if (child.adapter?.tellsSpeech === false) {
      if (!isStart) return;
      // It says so at the beginning of each reply of its own, too: those are told with the reply.
      this.#pendingStart = true;
      queueMicrotask(() => {
        if (this.#pendingStart) this.emit('input_speech_started', {});
        this.#pendingStart = false;
      });
      return;
    }
    if (isStart) this.#speechBegan(child);
    else this.#speechEnded(child);
  }

  #speechBegan(child: Child): void {
    this.#hears = child;
    child.attempt.expectNothing();
    const isEcho = this.#now < this.#ignoresStartUntilMs;
    this.#ignoresStartUntilMs = Number.NEGATIVE_INFINITY;
    this.#turns.begin(this.#audio.onset, this.#now);
    if (isEcho) return;
    this.#isTold = true;
    this.emit('input_speech_started', {});
  }

  #speechEnded(child: Child): void {
    this.#hears = undefined;
    this.#isTold = false;
    this.#turns.end();
    if (!this.#isRehearing) {
      child.attempt.expectFirst();
      this.emit('input_speech_stopped', { userTranscriptionEnabled: child.capabilities?.userTranscription ?? true });
    }
  }

  /** Not every vendor tells that it hears the caller, and none does that went silent: the turn's end is found here. */
  #watchTurn(change: 'began' | 'ended' | undefined): void {
    const child = this.#child;
    if (!child || this.#pump) return;
    if (change === 'began') {
      this.#cancel('turn');
      if (!this.#hears) child.attempt.expectNothing();
    } else if (change === 'ended') {
      this.#later('turn', Math.max(TURN_END_MS, child.turnEndMs), () => {
        if (this.#child === child && !this.#pump) this.#turnEnded(child);
      });
    }
  }

  #turnEnded(child: Child): void {
    const from = this.#turns.openFrom;
    if (from === undefined || !this.#audio.hasSpeech(from)) return;
    if (this.#hears === child) {
      child.attempt.expectFirst();
      return;
    }
    // Nothing of it was heard: the session is dead, or it was noise. Whoever is asked next will tell.
    this.#later('doubt', child.attempt.deadlines.firstMs, () => {
      const isOpen = this.#turns.openFrom === from && !this.#reply && this.#child === child;
      if (!isOpen || this.#now < this.#trustsUntilMs) return;
      const message = `${child.id}: no answer to what the caller said`;
      const error = new ProviderError({ kind: 'timeout', provider: child.id, message });
      this.#doubted = { attempt: child.attempt, error };
      this.#succession.doubt(error);
    });
  }

  /** @param by who heard what the doubted session did not; undefined: nobody, it was noise */
  #clearDoubt(by: Child | undefined): void {
    const doubted = this.#doubted;
    if (!doubted) return;
    this.#doubted = undefined;
    this.#cancel('doubt');
    if (by && by.link !== doubted.attempt.link) doubted.attempt.fail(doubted.error);
    else doubted.attempt.release();
    if (by) return;
    this.#turns.clear();
    this.#switch = undefined;
    this.#trustsUntilMs = this.#now + TRUST_MS;
  }

  #transcript(child: Child, event: llm.InputTranscriptionCompleted): void {
    // One that failed may still tell what it had heard, unless another hears it by now.
    if (this.#child && this.#child !== child) return;
    if (event.isFinal) {
      if (event.transcript.trim() === '') return;
      this.#turns.words();
      this.#conversation.userSaid(event.itemId, event.transcript, event.turnStartedAt);
    }
    this.emit('input_audio_transcription_completed', event);
    if (!event.isFinal || this.#turns.wordlessFrom !== undefined) return;
    const next = this.#afterWords;
    this.#afterWords = undefined;
    this.#cancel('words');
    next?.();
  }

  // -- replies

  #generation(child: Child, generation: llm.GenerationCreatedEvent): void {
    this.#pendingStart = false;
    this.#hears = undefined;
    this.#clearDoubt(child);
    if (this.#isRehearing) {
      this.#discard(child, generation);
      return;
    }
    const broken = this.#reply;
    if (broken && !this.#pump) {
      this.#turns.answered(this.#now, !this.#hasTranscripts(child));
      this.#pour(child, generation);
      return;
    }
    if (this.#awaitsUnasked) {
      this.#awaitsUnasked = false;
      const request = this.#requests.shift();
      if (request)
        request.resolve(this.#begin(child, generation, { isAsked: true, instructions: request.instructions }).event);
      else this.#hold(child, generation);
      return;
    }
    if (this.#reply) this.#stopReply();
    if (child.adapter?.tellsSpeech === false) this.emit('input_speech_started', {});
    this.#turns.answered(this.#now, !this.#hasTranscripts(child));
    const reply = this.#begin(child, generation, { isAsked: false, instructions: undefined });
    this.emit('generation_created', reply.event);
  }

  /** The owner will ask for it in a moment; if not, it came by itself. */
  #hold(child: Child, generation: llm.GenerationCreatedEvent): void {
    this.#unasked = generation;
    this.#later('unasked', 1_000, () => {
      if (this.#unasked !== generation || this.#child !== child) return;
      this.#unasked = undefined;
      const reply = this.#begin(child, generation, { isAsked: false, instructions: undefined });
      this.emit('generation_created', reply.event);
    });
  }

  #discard(child: Child, { messageStream, functionStream }: llm.GenerationCreatedEvent): void {
    child.do((session) => session.interrupt());
    void drain(functionStream);
    void drain(messageStream, (message) => {
      void drain(message.audioStream);
      void drain(message.textStream);
      const { messageId } = message;
      child.do((session) => session.truncate({ messageId, audioEndMs: 0, modalities: ['audio', 'text'] }));
    });
  }

  #begin(
    child: Child,
    generation: llm.GenerationCreatedEvent,
    how: { isAsked: boolean; instructions: string | undefined },
  ): Reply {
    const id = generation.responseId ?? `reply_${crypto.randomUUID()}`;
    const reply = new Reply(id, how.isAsked);
    this.#reply = { reply, ...how };
    this.#pour(child, generation);
    return reply;
  }

  #pour(child: Child, generation: llm.GenerationCreatedEvent): void {
    const reply = this.#reply?.reply;
    if (!reply) return;
    child.attempt.expectFirst();
    this.#audioSinceMs = undefined;
    this.#pump = new Pump(generation, {
      owner: child,
      reply,
      pace: this.#paceOf(child),
      events: {
        onResult: (pump) => this.#pump === pump && this.#result(child, pump),
        onMessage: (_pump, message) => this.#remember(message),
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
    this.#succession.wentWell();
    this.#tellSwitch();
    const now = this.#now;
    this.#audioSinceMs ??= now;
    const leftMs = pump.releasedMs - (now - this.#audioSinceMs);
    child.attempt.expectNext(Math.max(LEAST_STALL_MS, leftMs - child.attempt.deadlines.stallMs));
  }

  #call(child: Child, reply: Reply, call: llm.FunctionCall): void {
    child.callIds.add(call.callId);
    this.#conversation.add(call);
    reply.call(call);
  }

  #complete(child: Child, pump: Pump): void {
    child.attempt.expectNothing();
    this.#pump = undefined;
    const isEmpty = !pump.hasResult && pump.reply.calls.length === 0;
    if (isEmpty && !pump.reply.message?.said) {
      child.fail(
        new ProviderError({
          kind: 'malformed',
          provider: child.id,
          message: `${child.id}: ended a reply with nothing in it`,
        }),
      );
      return;
    }
    this.#endReply();
    child.attempt = this.#failover.renew(child.attempt);
    child.watchAttempt();
    this.#askRequests();
    this.#succession.atBoundary();
  }

  #remember(message: Message): void {
    this.#parts.delete(message.id);
    this.#parts.set(message.id, message.parts);
    this.#messages.add(message);
    const [oldest] = this.#parts.keys();
    if (this.#parts.size > 20 && oldest !== undefined) this.#parts.delete(oldest);
  }

  /** The owner wants no more of it. */
  #stopReply(): void {
    this.#pump?.stop();
    this.#pump = undefined;
    this.#afterWords = undefined;
    this.#cancel('words');
    this.#isRehearing = false;
    this.#endReply();
  }

  #endReply(): void {
    const under = this.#reply;
    this.#reply = undefined;
    for (const message of this.#messages) this.#conversation.agentSaid(message.id, message.said);
    this.#messages.clear();
    under?.reply.end();
  }

  #askRequests(): void {
    const child = this.#child;
    const request = this.#requests[0];
    if (!child || !request || request.isAsked || this.#reply || this.#isRehearing || this.#awaitsUnasked) return;
    request.isAsked = true;
    child.attempt.expectFirst();
    child.ask(request.instructions, request.signal).then(
      (generation) => {
        if (this.#child !== child || !this.#requests.includes(request)) return;
        this.#requests = this.#requests.filter((other) => other !== request);
        const { instructions } = request;
        request.resolve(this.#begin(child, generation, { isAsked: true, instructions }).event);
        this.#askRequests();
      },
      () => undefined,
    );
  }

  #withdraw(request: Request): void {
    if (!this.#requests.includes(request)) return;
    this.#requests = this.#requests.filter((other) => other !== request);
    if (request.isAsked) this.#child?.attempt.expectNothing();
    request.reject(new llm.RealtimeError('generateReply was aborted'));
    this.#askRequests();
  }

  #hasTranscripts(child: Child): boolean {
    return child.capabilities?.userTranscription ?? true;
  }

  // -- small things

  #at24k(frame: AudioFrame): Int16Array {
    const { data, sampleRate, channels } = frame;
    const samples = channels === 1 ? data.slice() : data.filter((_, i) => i % channels === 0);
    if (sampleRate === CALLER_RATE_HZ) return samples;
    if (this.#resampler?.fromHz !== sampleRate) {
      const resampler = new StreamResampler(sampleRate, CALLER_RATE_HZ);
      this.#resampler = { fromHz: sampleRate, push: (more) => resampler.push(more) };
    }
    return this.#resampler.push(samples);
  }

  #later(name: string, ms: number, work: () => void): void {
    this.#cancel(name);
    const cancel = this.#failover.clock.setTimeout(() => {
      this.#cancels.delete(name);
      work();
    }, ms);
    this.#cancels.set(name, cancel);
  }

  #cancel(name: string): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }
}

async function drain<Part>(stream: ReadableStream<Part>, each?: (part: Part) => void): Promise<void> {
  try {
    for await (const part of stream) each?.(part);
  } catch {
    // Whatever is wrong with what nobody wants.
  }
}
