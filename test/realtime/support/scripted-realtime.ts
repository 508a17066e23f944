// A realtime model whose sessions give what a test says, when it says so: for policy on a clock that stands still.
import { llm } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';

const RATE_HZ = 24_000;

export class ScriptedRealtime extends llm.RealtimeModel {
  readonly sessions: ScriptedSession[] = [];
  readonly #label: string;

  constructor(label: string) {
    super({
      messageTruncation: true,
      turnDetection: true,
      userTranscription: true,
      autoToolReplyGeneration: false,
      audioOutput: true,
      manualFunctionCalls: true,
      midSessionChatCtxUpdate: true,
      midSessionInstructionsUpdate: true,
      midSessionToolsUpdate: true,
      perResponseToolChoice: false,
    });
    this.#label = label;
  }

  override label(): string {
    return this.#label;
  }

  override get model(): string {
    return this.#label;
  }

  override session(): ScriptedSession {
    const session = new ScriptedSession(this);
    this.sessions.push(session);
    return session;
  }

  override async close(): Promise<void> {}
}

export class ScriptedSession extends llm.RealtimeSession {
  readonly asked: (string | undefined)[] = [];
  #context = llm.ChatContext.empty();
  #answer: ((event: llm.GenerationCreatedEvent) => void) | undefined;

  override get chatCtx(): llm.ChatContext {
    return this.#context.copy();
  }

  override get tools(): llm.ToolContext {
    return llm.ToolContext.empty();
  }

  override async updateInstructions(): Promise<void> {}

  override async updateChatCtx(context: llm.ChatContext): Promise<void> {
    this.#context = context.copy();
  }

  override async updateTools(): Promise<void> {}

  override updateOptions(): void {}

  override pushAudio(): void {}

  override generateReply(instructions?: string): Promise<llm.GenerationCreatedEvent> {
    this.asked.push(instructions);
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  override async commitAudio(): Promise<void> {}

  override async clearAudio(): Promise<void> {}

  override async interrupt(): Promise<void> {}

  override async truncate(): Promise<void> {}

  /** The answer to what was asked, or a reply that nobody asked for. */
  generate(): ScriptedGeneration {
    const generation = new ScriptedGeneration(this.#answer !== undefined);
    if (this.#answer) this.#answer(generation.event);
    else this.emit('generation_created', generation.event);
    this.#answer = undefined;
    return generation;
  }
}

export class ScriptedGeneration {
  readonly event: llm.GenerationCreatedEvent;
  readonly #ends: (() => void)[] = [];
  readonly #audio: (frame: AudioFrame) => void;
  readonly #text: (text: string) => void;

  constructor(userInitiated: boolean) {
    const stream = <Part>() => {
      let controller!: ReadableStreamDefaultController<Part>;
      const readable = new ReadableStream<Part>({
        start(given) {
          controller = given;
        },
      });
      this.#ends.push(() => controller.close());
      return { readable, write: (part: Part) => controller.enqueue(part) };
    };
    const [audio, text] = [stream<AudioFrame>(), stream<string>()];
    const [messages, calls] = [stream<llm.MessageGeneration>(), stream<llm.FunctionCall>()];
    this.#audio = audio.write;
    this.#text = text.write;
    messages.write({
      messageId: 'message',
      audioStream: audio.readable as llm.MessageGeneration['audioStream'],
      textStream: text.readable as llm.MessageGeneration['textStream'],
      modalities: Promise.resolve(['audio', 'text']),
    });
    this.event = {
      messageStream: messages.readable as llm.GenerationCreatedEvent['messageStream'],
      functionStream: calls.readable as llm.GenerationCreatedEvent['functionStream'],
      userInitiated,
      responseId: `reply-${Math.random()}`,
    };
  }

  /** In pieces of 100 ms, of this amplitude. */
  say(ms: number, amplitude = 8_000): void {
    for (let at = 0; at < ms; at += 100) {
      const samples = Int16Array.from({ length: RATE_HZ / 10 }, (_, i) => (i % 2 === 0 ? amplitude : -amplitude));
      this.#audio(new AudioFrame(samples, RATE_HZ, 1, samples.length));
    }
  }

  write(text: string): void {
    this.#text(text);
  }

  end(): void {
    for (const end of this.#ends) end();
  }
}
