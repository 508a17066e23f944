// The one session that LiveKit sees: whoever serves, the conversation, the caller's words and the reply under way go on.
import { llm } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import type { Failover, Switch } from '../../failover/failover.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import type { ReplySign } from '../adapter-contract.ts';
import type { RealtimeLink } from '../contract.ts';
import { Conversation } from './conversation.ts';
import { Handover, type Won } from './handover.ts';
import { Hearing } from './hearing.ts';
import type { RealtimeLinkSession } from './link-session.ts';
import { Replying } from './replying.ts';

export interface ChainSessionOptions {
  readonly returnToBetter: boolean;
}

export class ChainSession extends llm.RealtimeSession {
  readonly #failover: Failover<RealtimeLink>;
  readonly #handover: Handover;
  readonly #conversation = new Conversation();
  readonly #hearing: Hearing;
  readonly #replying: Replying;
  #instructions: string | undefined;
  #tools = llm.ToolContext.empty();
  #toolChoice: llm.ToolChoice | null | undefined;
  /** Switch that is reported with the first result of the session that took over. */
  #switch: (Omit<Switch, 'tookMs'> & { readonly noticedMs: number }) | undefined;
  #noticedMs: number | undefined;
  /** Whether the hedge session is asked for a reply; otherwise it hears the caller. */
  #isRivalAsked = false;
  #isChangingSetup = false;
  #isClosed = false;

  constructor(model: llm.RealtimeModel, failover: Failover<RealtimeLink>, { returnToBetter }: ChainSessionOptions) {
    super(model);
    this.#failover = failover;
    this.#hearing = new Hearing(failover.clock, {
      onSpeechStart: () => this.emit('input_speech_started', {}),
      onSpeechStop: (session) =>
        this.emit('input_speech_stopped', {
          userTranscriptionEnabled: session.capabilities?.userTranscription ?? true,
        }),
      onTranscript: (event) => this.#heard(event),
      onAllWords: () => this.#replying.allWords(),
      onNoise: () => {
        this.#session?.attempt.expectNothing();
        this.#handover.dropRival();
      },
      isReplying: () => this.#replying.isUnderWay,
    });
    this.#replying = new Replying(failover.clock, this.#conversation, {
      onGeneration: (event) => this.emit('generation_created', event),
      onResult: () => this.#wentWell(),
      onComplete: (session) => this.#completed(session),
      onAnswer: (session) => this.#hearing.answered(session),
      mayAsk: () => !this.#handover.isChanging,
      turn: () => this.#hearing.turn,
    });
    this.#handover = this.#makeHandover(returnToBetter);
    this.#handover.begin();
  }

  override get chatCtx(): llm.ChatContext {
    return this.#conversation.context;
  }

  override get tools(): llm.ToolContext {
    return this.#tools.copy();
  }

  override async updateInstructions(instructions: string): Promise<void> {
    if (this.#instructions === instructions) return;
    this.#instructions = instructions;
    this.#changeSetup((plugin) => plugin.updateInstructions(instructions));
  }

  override async updateChatCtx(context: llm.ChatContext): Promise<void> {
    const { added, removed } = this.#conversation.replace(context);
    const session = this.#session;
    if (!session) return;
    const told = added.filter((item) => !('callId' in item && this.#conversation.isCancelled(item.callId)));
    void this.#handover.rival?.update(told, removed);
    const hasResults = told.some((item) => item.type === 'function_call_output' && session.callIds.has(item.callId));
    if (hasResults && session.capabilities?.autoToolReplyGeneration) this.#replying.expectUnasked(session);
    await session.update(told, removed);
  }

  override async updateTools(tools: llm.ToolContext): Promise<void> {
    if (this.#tools.equals(tools)) return;
    this.#tools = tools;
    this.#changeSetup((plugin) => plugin.updateTools(tools));
  }

  override updateOptions({ toolChoice }: { toolChoice?: llm.ToolChoice | null }): void {
    this.#toolChoice = toolChoice;
    this.#session?.do((plugin) => plugin.updateOptions({ ...(toolChoice !== undefined && { toolChoice }) }));
  }

  override pushAudio(frame: AudioFrame): void {
    if (!this.#isClosed) this.#hearing.write(frame, this.#session, this.#rival);
  }

  override generateReply(
    instructions?: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<llm.GenerationCreatedEvent> {
    if (this.#isClosed) return Promise.reject(new llm.RealtimeError('the session is closed'));
    return this.#replying.request(instructions, signal);
  }

  override async commitAudio(): Promise<void> {
    this.#session?.do((plugin) => plugin.commitAudio());
  }

  override async clearAudio(): Promise<void> {
    this.#hearing.clear();
    this.#session?.do((plugin) => plugin.clearAudio());
  }

  override async interrupt(): Promise<void> {
    const session = this.#session;
    const hadResult = this.#replying.stop();
    if (this.#isRivalAsked) this.#handover.dropRival();
    session?.do((plugin) => plugin.interrupt());
    session?.attempt.expectNothing();
    if (session && hadResult) this.#renew(session);
    this.#handover.atBoundary();
  }

  override async truncate({
    messageId,
    audioEndMs,
    modalities,
    audioTranscript,
  }: Parameters<llm.RealtimeSession['truncate']>[0]): Promise<void> {
    if (audioTranscript !== undefined) this.#conversation.agentSaid(messageId, audioTranscript);
    const session = this.#session;
    const part = session && this.#replying.partOf(messageId, session);
    if (!session?.capabilities?.messageTruncation || !part) return;
    session.do((plugin) =>
      plugin.truncate({
        messageId: part.messageId,
        audioEndMs: Math.max(0, audioEndMs - part.fromMs),
        ...(modalities && { modalities }),
        ...(audioTranscript !== undefined && part.fromMs === 0 && { audioTranscript }),
      }),
    );
  }

  override startUserActivity(): void {
    this.#session?.do((plugin) => plugin.startUserActivity());
  }

  override async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#replying.close();
    this.#hearing.close();
    this.#handover.close();
    await super.close();
  }

  get #session(): RealtimeLinkSession | undefined {
    return this.#handover.session;
  }

  #makeHandover(returnToBetter: boolean): Handover {
    const events = this.#failover.events;
    return new Handover(
      this.#failover,
      {
        setup: () => ({
          instructions: this.#instructions,
          tools: this.#tools,
          toolChoice: this.#toolChoice,
          // A broken reply is added later, when the words that it answers are known.
          history: this.#conversation.context,
        }),
        onServing: (session, before, error) => this.#serve(session, before, error),
        onLate: () => this.#canHelp,
        onRival: (rival) => this.#help(rival),
        onWon: (rival, won) => this.#won(rival, won),
        // The caller did not wait: the other session had answered before.
        onReplaced: ({ id: from }, { id: to }, { kind, status, message }) =>
          events.onSwitch?.({ stage: 'realtime', from, to, kind, status, message, tookMs: 0 }),
        onKept: () => this.#replying.askNext(),
        onLost: () => this.#lost(),
        onExhausted: (error) => events.onExhausted?.('realtime', error),
        isBoundary: () => this.#replying.isIdle && this.#hearing.isQuiet,
        onSpeech: (session, isStart) => this.#hearing.speech(session, isStart, this.#replying.isRehearing),
        onTranscript: (session, event) => this.#transcript(session, event),
        onWordless: () => this.#hearing.wordless(),
        onGeneration: (session, event) => this.#generated(session, event),
        onSign: (session, sign) => this.#sign(session, sign),
        onMetrics: (metrics) => this.emit('metrics_collected', metrics),
      },
      returnToBetter,
    );
  }

  /** Where tools and instructions are part of the setup, the plugin would reconnect and forget: we open a new session instead. */
  #changeSetup(change: (session: llm.RealtimeSession) => unknown): void {
    const session = this.#session;
    if (!session?.adapter?.setsUp) {
      session?.do(change);
      return;
    }
    if (this.#isChangingSetup) return;
    this.#isChangingSetup = true;
    // Tools and instructions change together when another agent takes over.
    setImmediate(() => {
      this.#isChangingSetup = false;
      this.#handover.change();
    });
  }

  #lost(): void {
    this.#noticedMs ??= this.#failover.clock.now();
    this.#replying.lost();
    this.#hearing.lost();
  }

  #serve(
    session: RealtimeLinkSession,
    before: RealtimeLinkSession | undefined,
    error: ProviderError | undefined,
  ): void {
    if (!error && before) this.#lost();
    const noticedMs = this.#noticedMs ?? this.#failover.clock.now();
    this.#noticedMs = undefined;
    session.catchUp(this.#conversation.context);
    const { said, isPending } = this.#replying;
    const isRehearing = this.#hearing.lacksWords;
    const audioReplayedMs = this.#hearing.rehear(session, said !== '');
    if (before && error) this.#switched(session, before, error, { audioReplayedMs, noticedMs });
    this.#replying.goOn(session, { isRehearing, isUnanswered: this.#hearing.isUnanswered });
    if (!isPending && !isRehearing) this.#tellSwitch();
  }

  #switched(
    session: RealtimeLinkSession,
    before: RealtimeLinkSession,
    { kind, status, message }: ProviderError,
    costs: { readonly audioReplayedMs: number; readonly noticedMs: number },
  ): void {
    const wordsKept = this.#replying.said.match(/\S+/g)?.length ?? 0;
    this.#switch = { stage: 'realtime', from: before.id, to: session.id, kind, status, message, wordsKept, ...costs };
  }

  /** The hedge session, where it is to hear the caller; undefined where it was asked in words. */
  get #rival(): RealtimeLinkSession | undefined {
    return this.#isRivalAsked ? undefined : this.#handover.rival;
  }

  /** Whether nothing of what is due was given yet, and another session could give it. */
  get #canHelp(): boolean {
    const { due, said } = this.#replying;
    if (said !== '') return false;
    return this.#hearing.lacksWords ? !due?.isAsked : due !== undefined || this.#hearing.isUnanswered;
  }

  #help(rival: RealtimeLinkSession): void {
    if (!this.#canHelp) {
      this.#handover.dropRival();
      return;
    }
    rival.catchUp(this.#conversation.context);
    this.#isRivalAsked = !this.#hearing.lacksWords;
    if (!this.#isRivalAsked) {
      this.#hearing.help(rival);
      return;
    }
    rival.expectFirst();
    rival.ask(this.#replying.due?.instructions, undefined).then(
      (generation) => this.#handover.hold(rival, generation),
      // Its deadline reports the failure.
      () => undefined,
    );
  }

  #won(rival: RealtimeLinkSession, { generation, heard, lost, error }: Won): void {
    const isAsked = this.#isRivalAsked;
    this.#isRivalAsked = false;
    const noticedMs = this.#noticedMs ?? this.#failover.clock.now();
    this.#noticedMs = undefined;
    if (lost && error) this.#switched(rival, lost, error, { audioReplayedMs: 0, noticedMs });
    this.#hearing.takenOver(rival, heard);
    this.#hearing.generated(rival);
    this.#replying.takeOver(rival, generation, isAsked);
  }

  #wentWell(): void {
    this.#handover.wentWell();
    this.#tellSwitch();
  }

  #tellSwitch(): void {
    if (!this.#switch) return;
    const { noticedMs, ...event } = this.#switch;
    this.#switch = undefined;
    this.#failover.events.onSwitch?.({ ...event, tookMs: Math.round(this.#failover.clock.now() - noticedMs) });
  }

  #transcript(session: RealtimeLinkSession, event: llm.InputTranscriptionCompleted): void {
    // A failed session may still report what it had heard, unless another session hears the caller by now.
    if (!this.#session || this.#session === session) this.#hearing.transcript(event, session);
  }

  #heard(event: llm.InputTranscriptionCompleted): void {
    if (event.isFinal) this.#conversation.userSaid(event.itemId, event.transcript, event.turnStartedAt);
    this.emit('input_audio_transcription_completed', event);
  }

  #generated(session: RealtimeLinkSession, event: llm.GenerationCreatedEvent): void {
    this.#hearing.generated(session);
    // Stops what the agent still says of an older reply, as the plugin's own event would have done.
    const isAnswer = this.#hearing.turn !== 'none' && !this.#replying.isPending && !this.#replying.isRehearing;
    if (isAnswer && session.adapter?.tellsSpeech === false) this.emit('input_speech_started', {});
    this.#replying.generated(session, event);
  }

  #sign(session: RealtimeLinkSession, sign: ReplySign): void {
    if (sign.type === 'waiting') this.#hearing.waits();
    this.#replying.sign(session, sign);
  }

  #completed(session: RealtimeLinkSession): void {
    this.#handover.completed();
    this.#renew(session);
    this.#replying.askNext();
    this.#handover.atBoundary();
  }

  /** Ends the attempt as a success and begins another one, so that the next reply is measured by itself. */
  #renew(session: RealtimeLinkSession): void {
    if (session.isOver) return;
    session.attempt = this.#failover.renew(session.attempt);
    session.watchAttempt();
  }
}
