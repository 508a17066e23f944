// One reply as the session's owner sees it, whoever gives its parts.
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import type { llm } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { MessagePart, REPLY_RATE_HZ } from './message-part.ts';
import type { SpeakingPace } from './spoken-words.ts';

/** Origin of a message part: the session that gave it, and the message's id in that session. */
export interface PartOrigin {
  readonly owner: object;
  readonly messageId: string;
  /** Start of the part in the message's audio. */
  readonly fromMs: number;
}

export class Message {
  readonly id: string;
  readonly parts: PartOrigin[] = [];
  readonly #text: ReadableStreamDefaultController<string>;
  readonly #audio: ReadableStreamDefaultController<AudioFrame>;
  #said = '';
  #audioMs = 0;
  #isEnded = false;

  constructor(id: string, publish: (message: llm.MessageGeneration) => void) {
    this.id = id;
    const text = opened<string>();
    const audio = opened<AudioFrame>();
    this.#text = text.controller;
    this.#audio = audio.controller;
    publish({
      messageId: id,
      textStream: text.stream,
      audioStream: audio.stream,
      modalities: Promise.resolve(['audio', 'text']),
    });
  }

  /** The words handed on so far, which are or will be heard unless the reply is interrupted. */
  get said(): string {
    return this.#said;
  }

  get audioMs(): number {
    return this.#audioMs;
  }

  /** Begins the next part of the message, which session `owner` gives. */
  continueBy(owner: object, messageId: string, pace: SpeakingPace): MessagePart {
    this.parts.push({ owner, messageId, fromMs: this.#audioMs });
    return new MessagePart(
      { audio: (samples) => this.#give(samples), text: (text) => this.#say(text) },
      pace,
      this.#said,
    );
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#text.close();
    this.#audio.close();
  }

  #give(samples: Int16Array): void {
    if (this.#isEnded || samples.length === 0) return;
    this.#audioMs += (samples.length * 1000) / REPLY_RATE_HZ;
    this.#audio.enqueue(new AudioFrame(samples, REPLY_RATE_HZ, 1, samples.length));
  }

  #say(text: string): void {
    if (this.#isEnded || text === '') return;
    this.#said += text;
    this.#text.enqueue(text);
  }
}

export class Reply {
  readonly event: llm.GenerationCreatedEvent;
  /** The turn's calls so far: a session that takes over must not make them again. */
  readonly calls: llm.FunctionCall[] = [];
  readonly #messages: ReadableStreamDefaultController<llm.MessageGeneration>;
  readonly #functions: ReadableStreamDefaultController<llm.FunctionCall>;
  #message: Message | undefined;
  #isEnded = false;

  constructor(responseId: string, userInitiated: boolean) {
    const messages = opened<llm.MessageGeneration>();
    const functions = opened<llm.FunctionCall>();
    this.#messages = messages.controller;
    this.#functions = functions.controller;
    this.event = { messageStream: messages.stream, functionStream: functions.stream, userInitiated, responseId };
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The message that is being said, if any. */
  get message(): Message | undefined {
    return this.#message;
  }

  /** The message that is being said, or a new one with this id. */
  open(id: string): Message {
    this.#message ??= new Message(id, (message) => this.#messages.enqueue(message));
    return this.#message;
  }

  endMessage(): void {
    this.#message?.end();
    this.#message = undefined;
  }

  call(call: llm.FunctionCall): void {
    if (this.#isEnded) return;
    this.calls.push(call);
    this.#functions.enqueue(call);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.endMessage();
    this.#messages.close();
    this.#functions.close();
  }
}

function opened<Part>(): { stream: ReadableStream<Part>; controller: ReadableStreamDefaultController<Part> } {
  let controller!: ReadableStreamDefaultController<Part>;
  const stream = new ReadableStream<Part>({
    start(given) {
      controller = given;
    },
  });
  return { stream, controller };
}
