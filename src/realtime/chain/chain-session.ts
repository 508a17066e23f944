// The one session that LiveKit sees: whoever serves, the conversation, the caller's words and the reply under way go on.
import { llm } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import type { Failover, Switch } from '../../failover/failover.ts';
import type { ProviderError } from '../../failover/provider-error.ts';
import type { ReplySign } from '../adapter-contract.ts';
import type { RealtimeLink } from '../contract.ts';
import { Conversation } from './conversation.ts';
import { Succession, type Won } from './handover.ts';
import { Hearing } from './hearing.ts';
import type { Child } from './link-session.ts';
import { Replying } from './replying.ts';

export interface ChainSessionOptions {
  readonly returnToBetter: boolean;
}

export class ChainSession extends llm.RealtimeSession {
  readonly #failover: Failover<RealtimeLink>;
  readonly #succession: Succession;
  readonly #conversation = new Conversation();
  readonly #hearing: Hearing;
  readonly #replying: Replying;
  #instructions: string | undefined;
  #tools = llm.ToolContext.empty();
  #toolChoice: llm.ToolChoice | null | undefined;
  /** To be told with the first result of the session that took over. */
  #switch: (Omit<Switch, 'tookMs'> & { readonly noticedMs: number }) | undefined;
  #noticedMs: number | undefined;
  /** It is asked for a reply; otherwise it hears the caller. */
  #isRivalAsked = false;
  #isChangingSetup = false;
  #isClosed = false;

  constructor(model: llm.RealtimeModel, failover: Failover<RealtimeLink>, { returnToBetter }: ChainSessionOptions) {
    super(model);
    this.#failover = failover;
    this.#hearing = new Hearing(failover.clock, {
      onSpeechStart: () => this.emit('input_speech_started', {}),
      onSpeechStop: (child) =>
        this.emit('input_speech_stopped', { userTranscriptionEnabled: child.capabilities?.userTranscription ?? true }),
      onTranscript: (event) => this.#heard(event),
      onAllWords: () => this.#replying.allWords(),
      onNoise: () => {
        this.#child?.attempt.expectNothing();
        this.#succession.dropRival();
      },
      isReplying: () => this.#replying.isUnderWay,
    });
    this.#replying = new Replying(failover.clock, this.#conversation, {
      onGeneration: (event) => this.emit('generation_created', event),
      onResult: () => this.#wentWell(),
      onComplete: (child) => this.#completed(child),
      onAnswer: (child) => this.#hearing.answered(child),
      mayAsk: () => !this.#succession.isChanging,
      turn: () => this.#hearing.turn,
    });
    this.#succession = this.#makeSuccession(returnToBetter);
    this.#succession.begin();
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
    this.#changeSetup((session) => session.updateInstructions(instructions));
  }

  override async updateChatCtx(context: llm.ChatContext): Promise<void> {
    const { added, removed } = this.#conversation.replace(context);
    const child = this.#child;
    if (!child) return;
    const told = added.filter((item) => !('callId' in item && this.#conversation.isCancelled(item.callId)));
    void this.#succession.rival?.update(told, removed);
    const hasResults = told.some((item) => item.type === 'function_call_output' && child.callIds.has(item.callId));
    if (hasResults && child.capabilities?.autoToolReplyGeneration) this.#replying.expectUnasked(child);
    await child.update(told, removed);
  }

  override async updateTools(tools: llm.ToolContext): Promise<void> {
    if (this.#tools.equals(tools)) return;
    this.#tools = tools;
    this.#changeSetup((session) => session.updateTools(tools));
  }

  override updateOptions({ toolChoice }: { toolChoice?: llm.ToolChoice | null }): void {
    this.#toolChoice = toolChoice;
    this.#child?.do((session) => session.updateOptions({ ...(toolChoice !== undefined && { toolChoice }) }));
  }

  override pushAudio(frame: AudioFrame): void {
    if (!this.#isClosed) this.#hearing.write(frame, this.#child, this.#rival);
  }

  override generateReply(
    instructions?: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<llm.GenerationCreatedEvent> {
    if (this.#isClosed) return Promise.reject(new llm.RealtimeError('the session is closed'));
    return this.#replying.request(instructions, signal);
  }

  override async commitAudio(): Promise<void> {
    this.#child?.do((session) => session.commitAudio());
  }

  override async clearAudio(): Promise<void> {
    this.#hearing.clear();
    this.#child?.do((session) => session.clearAudio());
  }

  override async interrupt(): Promise<void> {
    const child = this.#child;
    const hadResult = this.#replying.stop();
    if (this.#isRivalAsked) this.#succession.dropRival();
    child?.do((session) => session.interrupt());
    child?.attempt.expectNothing();
    if (child && hadResult) this.#renew(child);
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
    const part = child && this.#replying.partOf(messageId, child);
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
    this.#replying.close();
    this.#hearing.close();
    this.#succession.close();
    await super.close();
  }

  get #child(): Child | undefined {
    return this.#succession.child;
  }

  #makeSuccession(returnToBetter: boolean): Succession {
    const events = this.#failover.events;
    return new Succession(
      this.#failover,
      {
        setup: () => ({
          instructions: this.#instructions,
          tools: this.#tools,
          toolChoice: this.#toolChoice,
          // A broken reply follows when the words that it answers are there.
          history: this.#conversation.context,
        }),
        onServing: (child, before, error) => this.#serve(child, before, error),
        onLate: () => this.#canHelp,
        onRival: (rival) => this.#help(rival),
        onWon: (rival, won) => this.#won(rival, won),
        // Nobody waited: the other one had answered before.
        onReplaced: ({ id: from }, { id: to }, { kind, status, message }) =>
          events.onSwitch?.({ stage: 'realtime', from, to, kind, status, message, tookMs: 0 }),
        onKept: () => this.#replying.askNext(),
        onLost: () => this.#lost(),
        onExhausted: (error) => events.onExhausted?.('realtime', error),
        isBoundary: () => this.#replying.isIdle && this.#hearing.isQuiet,
        onSpeech: (child, isStart) => this.#hearing.speech(child, isStart, this.#replying.isRehearing),
        onTranscript: (child, event) => this.#transcript(child, event),
        onWordless: () => this.#hearing.wordless(),
        onGeneration: (child, event) => this.#generated(child, event),
        onSign: (child, sign) => this.#sign(child, sign),
        onMetrics: (metrics) => this.emit('metrics_collected', metrics),
      },
      returnToBetter,
    );
  }

  /** Where tools and instructions are part of the setup, the plugin would connect again and forget: we do. */
  #changeSetup(change: (session: llm.RealtimeSession) => unknown): void {
    const child = this.#child;
    if (!child?.adapter?.setsUp) {
      child?.do(change);
      return;
    }
    if (this.#isChangingSetup) return;
    this.#isChangingSetup = true;
    // Both change at once when another agent takes over.
    setImmediate(() => {
      this.#isChangingSetup = false;
      this.#succession.change();
    });
  }

  #lost(): void {
    this.#noticedMs ??= this.#failover.clock.now();
    this.#replying.lost();
    this.#hearing.lost();
  }

  #serve(child: Child, before: Child | undefined, error: ProviderError | undefined): void {
    if (!error && before) this.#lost();
    const noticedMs = this.#noticedMs ?? this.#failover.clock.now();
    this.#noticedMs = undefined;
    child.catchUp(this.#conversation.context);
    const { said, isPending } = this.#replying;
    const isRehearing = this.#hearing.lacksWords;
    const audioReplayedMs = this.#hearing.rehear(child, said !== '');
    if (before && error) this.#switched(child, before, error, { audioReplayedMs, noticedMs });
    this.#replying.goOn(child, { isRehearing, isUnanswered: this.#hearing.isUnanswered });
    if (!isPending && !isRehearing) this.#tellSwitch();
  }

  #switched(
    child: Child,
    before: Child,
    { kind, status, message }: ProviderError,
    costs: { readonly audioReplayedMs: number; readonly noticedMs: number },
  ): void {
    const wordsKept = this.#replying.said.match(/\S+/g)?.length ?? 0;
    this.#switch = { stage: 'realtime', from: before.id, to: child.id, kind, status, message, wordsKept, ...costs };
  }

  /** The session beside the one that serves hears the caller, unless it was asked in words. */
  get #rival(): Child | undefined {
    return this.#isRivalAsked ? undefined : this.#succession.rival;
  }

  /** Nothing of what is due was given, and another session could give it. */
  get #canHelp(): boolean {
    const { due, said } = this.#replying;
    if (said !== '') return false;
    return this.#hearing.lacksWords ? !due?.isAsked : due !== undefined || this.#hearing.isUnanswered;
  }

  #help(rival: Child): void {
    if (!this.#canHelp) {
      this.#succession.dropRival();
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
      (generation) => this.#succession.hold(rival, generation),
      // Its deadline tells.
      () => undefined,
    );
  }

  #won(rival: Child, { generation, heard, lost, error }: Won): void {
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
    this.#succession.wentWell();
    this.#tellSwitch();
  }

  #tellSwitch(): void {
    if (!this.#switch) return;
    const { noticedMs, ...event } = this.#switch;
    this.#switch = undefined;
    this.#failover.events.onSwitch?.({ ...event, tookMs: Math.round(this.#failover.clock.now() - noticedMs) });
  }

  #transcript(child: Child, event: llm.InputTranscriptionCompleted): void {
    // One that failed may still tell what it had heard, unless another hears it by now.
    if (!this.#child || this.#child === child) this.#hearing.transcript(event, child);
  }

  #heard(event: llm.InputTranscriptionCompleted): void {
    if (event.isFinal) this.#conversation.userSaid(event.itemId, event.transcript, event.turnStartedAt);
    this.emit('input_audio_transcription_completed', event);
  }

  #generated(child: Child, event: llm.GenerationCreatedEvent): void {
    this.#hearing.generated(child);
    // What the agent still says of an older reply is over, as the plugin would have told.
    const isAnswer = this.#hearing.turn !== 'none' && !this.#replying.isPending && !this.#replying.isRehearing;
    if (isAnswer && child.adapter?.tellsSpeech === false) this.emit('input_speech_started', {});
    this.#replying.generated(child, event);
  }

  #sign(child: Child, sign: ReplySign): void {
    if (sign.type === 'waiting') this.#hearing.waits();
    this.#replying.sign(child, sign);
  }

  #completed(child: Child): void {
    this.#succession.completed();
    this.#renew(child);
    this.#replying.askNext();
    this.#succession.atBoundary();
  }

  /** It went well for a reply; the next one is measured anew. */
  #renew(child: Child): void {
    if (child.isOver) return;
    child.attempt = this.#failover.renew(child.attempt);
    child.watchAttempt();
  }
}
