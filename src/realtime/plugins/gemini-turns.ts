// What Gemini's plugin (1.9.0) makes of the vendor's messages, put right: where generations begin and end, whose words are told, and
// what the caller says while a tool runs. Sources: docs of LiveServerContent in @google/genai; livekit/agents 3192, 5742, 6431, 7195.
import type { LiveServerContent, LiveServerMessage, LiveServerToolCall } from '@google/genai';
import type { llm } from '@livekit/agents';
import type { ReplySign } from '../adapter-contract.ts';
import { CallerTranscript } from './caller-transcript.ts';
import { HeldAudio } from './held-audio.ts';

/** Private parts of the plugin's session that this class uses; checked before each use, as nothing guarantees them. */
interface Internals {
  currentGeneration?: { readonly _done: boolean; readonly _firstTokenTimestamp?: number };
  pendingGenerationFut?: unknown;
  /** While set, the plugin discards what comes until the interrupted turn ends. */
  earlyCompletionPending?: boolean;
  shouldBlockRealtimeInputForPendingTools?(): boolean;
  onReceiveMessage?(session: unknown, message: LiveServerMessage): Promise<void>;
  isNewGeneration?(message: LiveServerMessage): unknown;
  handleServerContent?(content: LiveServerContent): void;
  handleToolCall?(call: LiveServerToolCall): void;
  handleToolCallCancellation?(cancellation: { readonly ids?: string[] }): void;
  markCurrentGenerationDone?(keepsFunctions?: boolean, generation?: unknown): void;
}

/** A generation is over this long after its last word: transcripts come beside the audio in no guaranteed order. */
const LATE_WORDS_MS = 800;
/** Wait for audio of a turn that ended with a call: it may follow the call. */
const LATE_AUDIO_MS = 250;
/** Content that comes this soon after an interruption is of the interrupted reply: no new answer can be so quick. */
const STRAY_MS = 250;

/** Values of TurnCompleteReason in @google/genai; all others come from the vendor's content filters. */
const WAITING = 'NEED_MORE_INPUT';
const BROKEN = 'MALFORMED_FUNCTION_CALL';
const FINE = 'TURN_COMPLETE_REASON_UNSPECIFIED';

type Finishing = { readonly of: 'words' | 'audio'; readonly timer: NodeJS.Timeout };

export class GeminiTurns {
  readonly #session: llm.RealtimeSession;
  readonly #internals: Internals;
  readonly #ask: string | undefined;
  readonly #onSign: (sign: ReplySign) => void;
  readonly #transcript: CallerTranscript;
  readonly #held = new HeldAudio();
  readonly #markDone: () => void;
  #finishing: Finishing | undefined;
  #isCalling = false;
  #isEnding = false;
  /** The vendor has begun a turn whose end has not come. */
  #owesEnd = false;
  #isInterrupted = false;
  #strayUntilMs = Number.NEGATIVE_INFINITY;

  /** @param ask what is asked for where the owner asks for just any reply: the plugin sends nothing then to some models, and fails */
  constructor(session: llm.RealtimeSession, onSign: (sign: ReplySign) => void, ask: string | undefined) {
    this.#session = session;
    this.#ask = ask;
    this.#internals = session as unknown as Internals;
    this.#onSign = onSign;
    this.#transcript = new CallerTranscript((event) => session.emit('input_audio_transcription_completed', event));
    const markDone = this.#internals.markCurrentGenerationDone?.bind(session);
    this.#markDone = () => markDone?.();
    if (markDone) this.#internals.markCurrentGenerationDone = (...values) => this.#ends(() => markDone(...values));
    this.#followMessages();
    this.#followRequests();
  }

  /** Call when the session ends: emits the transcript of an answered turn as final. */
  close(): void {
    clearTimeout(this.#finishing?.timer);
    this.#finishing = undefined;
    this.#transcript.close();
  }

  #followMessages(): void {
    const internals = this.#internals;
    const { onReceiveMessage, isNewGeneration, handleServerContent, handleToolCall, handleToolCallCancellation } =
      internals;
    const session = this.#session;
    if (!onReceiveMessage || !isNewGeneration || !handleServerContent || !handleToolCall) return;
    internals.onReceiveMessage = (connection, message) => {
      this.#received(message);
      return onReceiveMessage.call(session, connection, message);
    };
    internals.isNewGeneration = (message) => this.#hasContent(message) && isNewGeneration.call(session, message);
    internals.handleServerContent = (content) =>
      this.#content(content, (rest) => handleServerContent.call(session, rest));
    internals.handleToolCall = (call) => {
      this.#owesEnd = true;
      this.#transcript.answered();
      this.#isCalling = true;
      handleToolCall.call(session, call);
      this.#isCalling = false;
    };
    internals.handleToolCallCancellation = (cancellation) => {
      handleToolCallCancellation?.call(session, cancellation);
      this.#onSign({ type: 'cancelled', callIds: cancellation.ids ?? [] });
    };
  }

  #followRequests(): void {
    const session = this.#session;
    const { pushAudio, generateReply, updateChatCtx, interrupt } = session;
    session.interrupt = () => {
      this.#finish();
      return interrupt.call(session);
    };
    session.generateReply = (...values) => {
      this.#finish();
      this.#strayUntilMs = Number.NEGATIVE_INFINITY;
      const [instructions = this.#ask, ...options] = values;
      return generateReply.call(session, instructions, ...options);
    };
    session.updateChatCtx = (context) => {
      this.#finish();
      return updateChatCtx.call(session, context);
    };
    // The plugin drops audio that comes while a tool runs, as some models end the session for it.
    session.pushAudio = (frame) => {
      if (this.#held.write(frame) === 'began') this.#transcript.callerBegan();
      if (this.#internals.shouldBlockRealtimeInputForPendingTools?.()) this.#held.hold(frame);
      else for (const each of this.#held.release(frame)) pushAudio.call(session, each);
    };
  }

  /** Runs before the plugin handles the message. */
  #received({ serverContent, toolCall }: LiveServerMessage): void {
    const isNew = (serverContent?.modelTurn && this.#finishing?.of === 'words') || serverContent?.interrupted;
    if (isNew || (toolCall && this.#finishing)) this.#finish();
    // The vendor stopped the interrupted reply: this content is new, even if the interrupted turn never ends.
    if (serverContent?.modelTurn && this.#isInterrupted && !this.#isStray) {
      this.#isInterrupted = false;
      this.#internals.earlyCompletionPending = false;
    }
    if (!serverContent?.interrupted) return;
    this.#isInterrupted = true;
    this.#owesEnd = true;
    this.#transcript.callerBegan();
    if (!this.#internals.pendingGenerationFut) this.#strayUntilMs = performance.now() + STRAY_MS;
  }

  /** Whether the message can begin a generation: ends of turns and leftovers of a finished generation can't. */
  #hasContent({ serverContent, toolCall }: LiveServerMessage): boolean {
    if (toolCall) return true;
    if (this.#isStray) return false;
    const hasParts = serverContent?.modelTurn?.parts?.some(({ thought }) => !thought) === true;
    return hasParts || (!!serverContent?.outputTranscription?.text && !this.#owesEnd);
  }

  get #isStray(): boolean {
    return performance.now() < this.#strayUntilMs;
  }

  get #isOpen(): boolean {
    return this.#internals.currentGeneration?._done === false;
  }

  #content(content: LiveServerContent, handle: (content: LiveServerContent) => void): void {
    const { inputTranscription, ...rest } = content;
    if (this.#isStray) {
      delete rest.modelTurn;
      delete rest.outputTranscription;
    }
    if (this.#isOpen && (rest.modelTurn || rest.outputTranscription?.text)) {
      this.#owesEnd = true;
      this.#transcript.answered();
      if (this.#finishing) this.#finishIn(this.#finishing.of);
    }
    if (inputTranscription?.text) this.#transcript.write(inputTranscription.text);
    this.#tellEnd(rest);
    this.#isEnding = rest.turnComplete === true;
    handle(rest);
    this.#isEnding = false;
    if (rest.generationComplete && this.#isOpen) this.#finishIn('words');
  }

  #tellEnd({ generationComplete, turnComplete, turnCompleteReason, waitingForInput }: LiveServerContent): void {
    const reason: string = turnCompleteReason ?? FINE;
    const isGenerated = this.#finishing?.of === 'words' || (generationComplete === true && this.#isOpen);
    if (waitingForInput || reason === WAITING) this.#onSign({ type: 'waiting' });
    else if (isGenerated) this.#onSign({ type: 'generated' });
    else if (turnComplete && reason === BROKEN) this.#onSign({ type: 'cut' });
    else if (turnComplete && reason !== FINE) {
      this.#onSign({ type: 'refused', reason });
    } else if (turnComplete && !this.#owesEnd) this.#onSign({ type: 'empty' });
    if (!turnComplete) return;
    this.#owesEnd = false;
    this.#transcript.turnEnded();
  }

  /** The plugin ends a generation with its call or its turn: waits first for audio or words that may still come. */
  #ends(markDone: () => void): void {
    const hasAudio = this.#internals.currentGeneration?._firstTokenTimestamp !== undefined;
    if (this.#isCalling && hasAudio) this.#finishIn('audio');
    else if (this.#isEnding && hasAudio) this.#finishIn(this.#finishing?.of ?? 'words');
    else {
      clearTimeout(this.#finishing?.timer);
      this.#finishing = undefined;
      markDone();
    }
  }

  #finishIn(of: Finishing['of']): void {
    clearTimeout(this.#finishing?.timer);
    const timer = setTimeout(() => this.#finish(), of === 'words' ? LATE_WORDS_MS : LATE_AUDIO_MS);
    this.#finishing = { of, timer };
  }

  #finish(): void {
    if (!this.#finishing) return;
    clearTimeout(this.#finishing.timer);
    this.#finishing = undefined;
    this.#markDone();
  }
}
