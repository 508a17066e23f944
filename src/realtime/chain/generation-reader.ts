// Carries what one session generates into a reply: holds it until there is something to hear or to call, and to whom it belongs.
import type { llm } from '@livekit/agents';
import { MonoAudio } from '../mono-audio.ts';
import { isAudible, type MessagePart, REPLY_RATE_HZ, SILENCE_MS } from './message-part.ts';
import type { Message, Reply } from './reply.ts';
import type { SpeakingPace } from './spoken-words.ts';

export interface GenerationReaderEvents {
  /** The first audible audio or call came: `pour` says where the content goes. Until then it is held. */
  onFirst(): void;
  /** Words came, perhaps without audio so far: the session is at work. */
  onProgress(): void;
  /** Audible audio or a call was handed on. */
  onResult(): void;
  onMessage(message: Message): void;
  onCall(call: llm.FunctionCall): void;
  /** The generation is complete; without `hasFirst` it had no content. */
  onComplete(): void;
}

export interface GenerationReaderOptions {
  /** The session's own id of the reply. */
  readonly id: string | undefined;
  readonly owner: object;
  readonly pace: SpeakingPace;
  /** The voice is watched elsewhere: silence in the audio is intended. */
  readonly isTrusted: boolean;
  readonly events: GenerationReaderEvents;
}

/** One message of the session; its content is held until it is known where it goes. */
interface Source {
  readonly messageId: string;
  held: (Int16Array | string)[];
  part: MessagePart | undefined;
  quietMs: number;
  isOver: boolean;
}

export class GenerationReader {
  readonly #options: GenerationReaderOptions;
  readonly #sources: Source[] = [];
  readonly #calls: llm.FunctionCall[] = [];
  #reply: Reply | undefined;
  #part: MessagePart | undefined;
  #hasFirst = false;
  #isStopped = false;
  #isOver = false;
  #words = '';
  /** The vendor ended the generation too early: the session that continues adds to the same message. */
  isCut = false;

  constructor(generation: llm.GenerationCreatedEvent, options: GenerationReaderOptions) {
    this.#options = options;
    void Promise.all([this.#messages(generation), this.#functions(generation)]).then(
      () => this.#over(),
      // A plugin that breaks its own stream has failed; its session reports why, or its silence is noticed.
      () => undefined,
    );
  }

  /** Whether audible audio or a call came. */
  get hasFirst(): boolean {
    return this.#hasFirst;
  }

  get id(): string | undefined {
    return this.#options.id;
  }

  /** All words that came, whether or not they were audible. */
  get text(): string {
    return this.#words;
  }

  get reply(): Reply | undefined {
    return this.#reply;
  }

  /** Milliseconds of audio that were handed on by now. */
  get releasedMs(): number {
    return this.#part?.releasedMs ?? 0;
  }

  /** Sends what is held, and everything that follows, into `reply`. */
  pour(reply: Reply): void {
    if (this.#isStopped || this.#reply) return;
    this.#reply = reply;
    for (const source of this.#sources) this.#flush(source);
    this.#tellCalls();
    if (this.#isOver) this.#complete();
  }

  /** Call when the session broke: hands on the held audio as far as its words are whole. */
  break(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#part?.break();
  }

  /** Completes the generation as it stands, whether or not its streams have ended. */
  finish(): void {
    if (this.#isStopped) return;
    for (const source of this.#sources) this.#endSource(source);
    this.#over();
  }

  /** Drops everything that still comes: nothing more of it is wanted. */
  stop(): void {
    this.#isStopped = true;
  }

  async #messages({ messageStream }: llm.GenerationCreatedEvent): Promise<void> {
    for await (const given of messageStream) {
      if (this.#isStopped) continue;
      const source: Source = { messageId: given.messageId, held: [], part: undefined, quietMs: 0, isOver: false };
      this.#sources.push(source);
      await Promise.all([this.#audio(given, source), this.#text(given, source)]);
      if (this.#isStopped) continue;
      // A plugin may end its streams at the moment at which it loses the session: lets the loss be reported first.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      if (!this.#isStopped) this.#endSource(source);
    }
  }

  async #audio({ audioStream }: llm.MessageGeneration, source: Source): Promise<void> {
    const mono = new MonoAudio(REPLY_RATE_HZ);
    for await (const frame of audioStream) {
      if (this.#isStopped || frame.samplesPerChannel === 0) continue;
      const samples = mono.push(frame);
      const isQuiet = !this.#isHeard(samples);
      source.quietMs = isQuiet ? source.quietMs + (samples.length * 1000) / REPLY_RATE_HZ : 0;
      this.#take(source, samples);
      if (!isQuiet) this.#began();
      if (this.#reply && source.quietMs < SILENCE_MS) this.#options.events.onResult();
    }
  }

  async #text({ textStream }: llm.MessageGeneration, source: Source): Promise<void> {
    for await (const piece of textStream) {
      if (this.#isStopped) continue;
      const text = typeof piece === 'string' ? piece : piece.text;
      if (text === '') continue;
      this.#words += text;
      this.#take(source, text);
      this.#options.events.onProgress();
    }
  }

  async #functions({ functionStream }: llm.GenerationCreatedEvent): Promise<void> {
    for await (const call of functionStream) {
      if (this.#isStopped) continue;
      this.#calls.push(call);
      this.#began();
      this.#tellCalls();
    }
  }

  #tellCalls(): void {
    if (!this.#reply) return;
    for (const call of this.#calls.splice(0)) {
      this.#options.events.onResult();
      this.#options.events.onCall(call);
    }
  }

  #began(): void {
    if (this.#hasFirst) return;
    this.#hasFirst = true;
    this.#options.events.onFirst();
  }

  #isHeard(samples: Int16Array): boolean {
    return this.#options.isTrusted || isAudible(samples);
  }

  #take(source: Source, piece: Int16Array | string): void {
    if (!source.part) source.held.push(piece);
    else if (typeof piece === 'string') source.part.words(piece);
    else source.part.audio(piece, this.#isHeard(piece));
    if (!source.part && this.#reply) this.#flush(source);
  }

  #flush(source: Source): void {
    const { owner, pace, events } = this.#options;
    const held = source.held.splice(0);
    // A source without content opens no message.
    if (held.length === 0 || !this.#reply) return;
    const message = this.#reply.open(source.messageId);
    source.part = message.continueBy(owner, source.messageId, pace);
    this.#part = source.part;
    events.onMessage(message);
    for (const piece of held) {
      if (typeof piece === 'string') source.part.words(piece);
      else source.part.audio(piece, this.#isHeard(piece));
    }
    if (source.isOver) this.#endPart(source.part);
  }

  #endSource(source: Source): void {
    if (source.isOver) return;
    source.isOver = true;
    if (source.part) this.#endPart(source.part);
  }

  #endPart(part: MessagePart): void {
    if (part.isCutShort) {
      this.isCut = true;
      part.cut();
    } else if (this.isCut) part.break();
    else {
      part.end();
      if (part.hasResult) this.#reply?.endMessage();
    }
  }

  #over(): void {
    if (this.#isStopped || this.#isOver) return;
    this.#isOver = true;
    // A generation that has content, but was not poured yet, completes in `pour`.
    if (this.#reply || !this.hasFirst) this.#complete();
  }

  #complete(): void {
    this.#isStopped = true;
    this.#options.events.onComplete();
  }
}
