// One reply of the pipeline as a generation of a realtime model: the language model's text, spoken as it comes, and its calls.
import { llm, type metrics, type tts } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { MonoAudio } from '../realtime/mono-audio.ts';
import { OpenStream } from './open-stream.ts';
import { speak } from './voice.ts';

export interface ReplyRequest {
  readonly chatCtx: llm.ChatContext;
  readonly toolCtx: llm.ToolContext;
  readonly toolChoice: llm.ToolChoice | undefined;
  readonly userInitiated: boolean;
}

export interface ReplyEvents {
  /** The message's whole text, or what was written until it was cut off. It may come after its calls, but is dated before them. */
  onMessage(message: llm.ChatMessage): void;
  onCall(call: llm.FunctionCall): void;
  onEnd(figures: metrics.RealtimeModelMetrics): void;
  onFailure(error: Error): void;
}

export interface ReplyStages {
  readonly llm: llm.LLM;
  readonly tts: tts.TTS;
  /** Sample rate of the reply's audio. */
  readonly sampleRateHz: number;
}

interface Message {
  readonly text: OpenStream<string>;
  readonly audio: OpenStream<AudioFrame>;
  /** The same text, for the TTS. */
  readonly spoken: OpenStream<string>;
}

/** Runs until it is spoken, cancelled or broken, then closes its streams. Throws nothing: `onFailure` reports errors. */
export class PipelineReply {
  readonly messageId = `item_${crypto.randomUUID()}`;
  readonly event: llm.GenerationCreatedEvent;
  readonly #responseId = `resp_${crypto.randomUUID()}`;
  readonly #stages: ReplyStages;
  readonly #request: ReplyRequest;
  readonly #events: ReplyEvents;
  readonly #messages = new OpenStream<llm.MessageGeneration>();
  readonly #calls = new OpenStream<llm.FunctionCall>();
  readonly #over = new AbortController();
  readonly #startedAt = Date.now();
  #firstAt: number | undefined;
  #message: Message | undefined;
  #text = '';
  #isTextTold = false;
  #isCancelled = false;
  #isUnheard = true;
  #usage: llm.CompletionUsage | undefined;
  #speaking: Promise<void> | undefined;

  constructor(stages: ReplyStages, request: ReplyRequest, events: ReplyEvents) {
    this.#stages = stages;
    this.#request = request;
    this.#events = events;
    this.event = {
      messageStream: this.#messages.readable,
      functionStream: this.#calls.readable,
      userInitiated: request.userInitiated,
      responseId: this.#responseId,
    };
  }

  /** Whether nothing of the reply was handed on that could be heard or acted on. */
  get isUnheard(): boolean {
    return this.#isUnheard;
  }

  /** Resolves when the reply is over. */
  async run(): Promise<void> {
    let failure: unknown;
    try {
      await this.#think();
      if (!this.#over.signal.aborted) this.#tellText();
      this.#message?.spoken.close();
      await this.#speaking;
    } catch (error) {
      failure = error;
    }
    if (this.#over.signal.aborted) return;
    this.#finish();
    if (failure !== undefined) this.#events.onFailure(failure instanceof Error ? failure : new Error(String(failure)));
  }

  cancel(): void {
    if (this.#over.signal.aborted) return;
    this.#isCancelled = true;
    this.#finish();
  }

  async #think(): Promise<void> {
    const { chatCtx, toolCtx, toolChoice } = this.#request;
    let failure: Error | undefined;
    const onError = (event: { error: Error; recoverable: boolean }) => {
      if (!event.recoverable) failure = event.error;
    };
    const model = this.#stages.llm;
    model.on('error', onError);
    let stream: llm.LLMStream | undefined;
    const close = () => stream?.close();
    this.#over.signal.addEventListener('abort', close, { once: true });
    try {
      stream = model.chat({ chatCtx, toolCtx, ...(toolChoice !== undefined && { toolChoice }) });
      for await (const { delta, usage } of stream) {
        if (this.#over.signal.aborted) return;
        if (usage) this.#usage = usage;
        if (delta?.content) this.#write(delta.content);
        for (const call of delta?.toolCalls ?? []) this.#ask(call);
      }
      if (failure !== undefined) throw failure;
    } finally {
      model.off('error', onError);
      this.#over.signal.removeEventListener('abort', close);
      stream?.close();
    }
  }

  #write(content: string): void {
    if (!this.#message && content.trim() === '') return;
    this.#firstAt ??= Date.now();
    this.#message ??= this.#begin();
    this.#text += content;
    this.#message.text.write(content);
    this.#message.spoken.write(content);
  }

  #begin(): Message {
    const message: Message = { text: new OpenStream(), audio: new OpenStream(), spoken: new OpenStream() };
    this.#messages.write({
      messageId: this.messageId,
      textStream: message.text.readable,
      audioStream: message.audio.readable,
      modalities: Promise.resolve(['audio', 'text']),
    });
    this.#speaking = this.#speak(message);
    // A failure of the voice ends the reply at once: `run` awaits the voice only after the language model has ended.
    this.#speaking.catch((error: unknown) => this.#break(error));
    return message;
  }

  async #speak({ audio, spoken }: Message): Promise<void> {
    const { tts: synthesis, sampleRateHz } = this.#stages;
    const mono = new MonoAudio(sampleRateHz);
    const put = (samples: Int16Array) => {
      if (samples.length === 0) return;
      this.#isUnheard = false;
      audio.write(new AudioFrame(samples, sampleRateHz, 1, samples.length));
    };
    for await (const frame of speak(synthesis, spoken.readable, () => spoken.isClosed, this.#over.signal)) {
      put(mono.push(frame));
    }
    put(mono.flush());
  }

  /** Call when the voice broke, perhaps while the text was still being written. */
  #break(error: unknown): void {
    if (this.#over.signal.aborted) return;
    this.#finish();
    this.#events.onFailure(error instanceof Error ? error : new Error(String(error)));
  }

  #ask(call: llm.FunctionCall): void {
    this.#firstAt ??= Date.now();
    this.#isUnheard = false;
    this.#events.onCall(call);
    this.#calls.write(call);
  }

  #tellText(): void {
    if (this.#isTextTold || this.#text === '') return;
    this.#isTextTold = true;
    this.#events.onMessage(
      llm.ChatMessage.create({
        id: this.messageId,
        role: 'assistant',
        content: [this.#text],
        createdAt: this.#startedAt,
        ...(this.#isCancelled && { interrupted: true }),
      }),
    );
  }

  #finish(): void {
    this.#over.abort();
    this.#tellText();
    this.#message?.text.close();
    this.#message?.audio.close();
    this.#message?.spoken.close();
    this.#calls.close();
    this.#messages.close();
    this.#events.onEnd(this.#figures());
  }

  #figures(): metrics.RealtimeModelMetrics {
    const { promptTokens = 0, completionTokens = 0, promptCachedTokens = 0, totalTokens = 0 } = this.#usage ?? {};
    const durationMs = Date.now() - this.#startedAt;
    return {
      type: 'realtime_model_metrics',
      label: 'bulletproof.PipelineModel',
      requestId: this.#responseId,
      timestamp: this.#startedAt,
      ttftMs: this.#firstAt === undefined ? -1 : this.#firstAt - this.#startedAt,
      durationMs,
      cancelled: this.#isCancelled,
      inputTokens: promptTokens,
      outputTokens: completionTokens,
      totalTokens,
      tokensPerSecond: durationMs > 0 ? (completionTokens * 1000) / durationMs : 0,
      inputTokenDetails: { audioTokens: 0, textTokens: promptTokens, imageTokens: 0, cachedTokens: promptCachedTokens },
      outputTokenDetails: { audioTokens: 0, textTokens: completionTokens, imageTokens: 0 },
    };
  }
}
