// A realtime session whose model is a pipeline: speech recognition, language model and synthesis, with turns of its own.
import { llm, type stt, type tts, type VAD } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import { CallerInput } from './caller-input.ts';
import { PipelineReply } from './reply.ts';
import { requestOf } from './request.ts';
import { type CallerTurn, PipelineTurns } from './turns.ts';

export interface PipelineStages {
  /** A recogniser that streams. */
  readonly stt: stt.STT;
  readonly llm: llm.LLM;
  readonly tts: tts.TTS;
  readonly vad: VAD;
  readonly endSilenceMs: number;
  /** Sample rate of the replies' audio. */
  readonly sampleRateHz: number;
}

/** A microphone that gives no frames for this long counts as muted, and the caller as silent. */
const MUTED_AFTER_MS = 1_000;
/** Added to the silence that ends a turn: more than any voice activity detection needs to notice it. */
const NOTICE_MS = 1_000;

/** Length of a word in usual speech, at 170 words a minute. */
const WORD_MS = 350;

export class PipelineSession extends llm.RealtimeSession {
  readonly #stages: PipelineStages;
  readonly #turns: PipelineTurns;
  readonly #input: CallerInput;
  #instructions: string | undefined;
  #tools: llm.ToolContext = llm.ToolContext.empty();
  #toolChoice: llm.ToolChoice | undefined;
  #chatCtx = llm.ChatContext.empty();
  #reply: PipelineReply | undefined;
  /** The request of a reply that a voice cut off before any of the reply was heard. */
  #unheard: { readonly asked: string | undefined } | undefined;
  /** The instructions with which the last reply was requested. */
  #asked: string | undefined;
  #committing: Promise<void> = Promise.resolve();
  #pushedAt = 0;
  #muteTimer: NodeJS.Timeout | undefined;
  readonly #closed = new AbortController();

  readonly #onClose: () => void;

  constructor(model: llm.RealtimeModel, stages: PipelineStages, onClose: () => void) {
    super(model);
    this.#stages = stages;
    this.#onClose = onClose;
    this.#turns = new PipelineTurns(stages.endSilenceMs, {
      onSpeechStart: () => this.#yield(),
      onSpeechStop: () => this.emit('input_speech_stopped', { userTranscriptionEnabled: true }),
      onPause: () => this.#input.flush(),
      onInterim: (itemId, transcript) =>
        this.emit('input_audio_transcription_completed', { itemId, transcript, isFinal: false }),
      onTurn: (turn) => this.#takeTurn(turn),
      onNothing: () => this.#resume(),
    });
    this.#input = new CallerInput(stages, {
      onHeard: (atMs) => this.#turns.heard(atMs),
      onSpeechStart: () => this.#turns.speechStarted(),
      onSpeechEnd: (endedAtMs) => this.#turns.speechEnded(endedAtMs),
      onInterim: (text) => this.#turns.interim(text),
      onFinal: (words) => this.#turns.final(words),
      onSegmentLost: () => this.#turns.segmentLost(),
      onFailure: (error) => this.#fail(error),
    });
  }

  override get chatCtx(): llm.ChatContext {
    return this.#chatCtx.copy();
  }

  override get tools(): llm.ToolContext {
    return this.#tools.copy();
  }

  override async updateInstructions(instructions: string): Promise<void> {
    this.#instructions = instructions;
  }

  /** A reply under way goes on: its message and calls are added to the new context when they come. */
  override async updateChatCtx(chatCtx: llm.ChatContext): Promise<void> {
    this.#chatCtx = chatCtx.copy({ excludeHandoff: true, excludeConfigUpdate: true });
  }

  override async updateTools(tools: llm.ToolContext): Promise<void> {
    this.#tools = tools.copy();
  }

  override updateOptions({ toolChoice }: { toolChoice?: llm.ToolChoice | null }): void {
    this.#toolChoice = toolChoice ?? undefined;
  }

  override pushAudio(frame: AudioFrame): void {
    if (this.#closed.signal.aborted) return;
    this.#input.push(frame);
    this.#pushedAt = performance.now();
    this.#muteTimer ??= setInterval(() => this.#lookForMute(), MUTED_AFTER_MS / 4).unref();
  }

  /** Waits for the words of a turn that is being committed. Replaces a reply that is under way. */
  override async generateReply(
    instructions?: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<llm.GenerationCreatedEvent> {
    await this.#committing;
    if (this.#closed.signal.aborted) throw new llm.RealtimeError('the session is closed');
    if (signal?.aborted) throw new llm.RealtimeError('the reply was not wanted any more');
    return this.#begin(true, instructions);
  }

  /** Ends the caller's turn now; resolves when its words are in the conversation. No reply follows by itself. */
  override commitAudio(): Promise<void> {
    this.#committing = this.#turns.commit();
    return this.#committing;
  }

  override async clearAudio(): Promise<void> {
    if (!this.#turns.isOpen || this.#closed.signal.aborted) return;
    this.#input.reset();
    this.#turns.clear();
  }

  override async interrupt(): Promise<void> {
    this.#reply?.cancel();
  }

  /** Cuts the message to `audioTranscript`; without it, to as many words as are usually said in `audioEndMs`. */
  override async truncate(options: Parameters<llm.RealtimeSession['truncate']>[0]): Promise<void> {
    const { messageId, audioEndMs, audioTranscript } = options;
    if (this.#reply?.messageId === messageId) this.#reply.cancel();
    const index = this.#chatCtx.indexById(messageId);
    const item = index === undefined ? undefined : this.#chatCtx.items[index];
    if (index === undefined || item?.type !== 'message') return;
    const heard = audioTranscript ?? firstWords(item.textContent ?? '', Math.floor(audioEndMs / WORD_MS));
    const items = this.#chatCtx.items.slice();
    const kept = llm.ChatMessage.create({ ...item, content: [heard], interrupted: true });
    items.splice(index, 1, ...(heard.trim() === '' ? [] : [kept]));
    this.#chatCtx = new llm.ChatContext(items);
  }

  override async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    clearInterval(this.#muteTimer);
    this.#reply?.cancel();
    this.#input.close();
    this.#turns.clear();
    this.#onClose();
    await super.close();
  }

  /** Gives way to the caller, who begins to speak: cancels the reply under way. */
  #yield(): void {
    if (this.#reply?.isUnheard) this.#unheard = { asked: this.#asked };
    this.emit('input_speech_started', {});
    this.#reply?.cancel();
  }

  /** The voice was only noise: asks again for the reply that it cut off, which would otherwise never come. */
  #resume(): void {
    if (this.#unheard && !this.#closed.signal.aborted) this.#begin(false, this.#unheard.asked);
  }

  #takeTurn({ itemId, transcript, confidence, isCommitted }: CallerTurn): void {
    if (this.#closed.signal.aborted) return;
    this.#unheard = undefined;
    this.#add(llm.ChatMessage.create({ id: itemId, role: 'user', content: [transcript] }));
    this.emit('input_audio_transcription_completed', {
      itemId,
      transcript,
      isFinal: true,
      ...(confidence !== undefined && { confidence }),
    });
    if (!isCommitted) this.#begin(false);
  }

  #begin(userInitiated: boolean, asked?: string): llm.GenerationCreatedEvent {
    this.#reply?.cancel();
    this.#unheard = undefined;
    this.#asked = asked;
    const reply: PipelineReply = new PipelineReply(
      this.#stages,
      {
        chatCtx: requestOf(this.#chatCtx, this.#instructions, asked),
        toolCtx: this.#tools,
        toolChoice: this.#toolChoice,
        userInitiated,
      },
      {
        onMessage: (message) => this.#add(message),
        onCall: (call) => this.#add(call),
        onEnd: (figures) => {
          if (this.#reply === reply) this.#reply = undefined;
          this.emit('metrics_collected', figures);
        },
        onFailure: (error) => this.#fail(error),
      },
    );
    this.#reply = reply;
    this.emit('generation_created', reply.event);
    void reply.run();
    return reply.event;
  }

  /** Adds the item to a copy, as others may hold the current context. */
  #add(item: llm.ChatItem): void {
    const next = this.#chatCtx.copy();
    if (next.getById(item.id)) return;
    next.insert(item);
    this.#chatCtx = next;
  }

  #lookForMute(): void {
    if (!this.#turns.isOpen || performance.now() - this.#pushedAt < MUTED_AFTER_MS) return;
    this.#input.pushSilence(this.#stages.endSilenceMs + NOTICE_MS);
    this.#pushedAt = performance.now();
  }

  #fail(error: Error): void {
    // An 'error' event without a listener would end the process.
    if (this.#closed.signal.aborted || this.listenerCount('error') === 0) return;
    const label = this.realtimeModel.label();
    this.emit('error', { type: 'realtime_model_error', timestamp: Date.now(), label, error, recoverable: false });
  }
}

function firstWords(text: string, count: number): string {
  return (text.match(/\S+\s*/g) ?? []).slice(0, Math.max(0, count)).join('').trimEnd();
}
