// Carries what one session generates into a reply, until it is complete, broken or no longer wanted.
import type { llm } from '@livekit/agents';
import { MonoAudio } from './mono-audio.ts';
import type { Message, Reply } from './reply.ts';
import type { SpeakingPace } from './spoken-words.ts';
import { REPLY_RATE_HZ, type Stretch } from './stretch.ts';

export interface PumpEvents {
  /** Audio, words or a call came. */
  onResult(pump: Pump): void;
  onMessage(pump: Pump, message: Message): void;
  onCall(pump: Pump, call: llm.FunctionCall): void;
  /** The session says that it is complete. */
  onComplete(pump: Pump): void;
}

export interface PumpOptions {
  readonly owner: object;
  readonly reply: Reply;
  readonly pace: SpeakingPace;
  readonly events: PumpEvents;
}

export class Pump {
  readonly #options: PumpOptions;
  #stretch: Stretch | undefined;
  #isStopped = false;
  #hasResult = false;

  constructor(generation: llm.GenerationCreatedEvent, options: PumpOptions) {
    this.#options = options;
    void Promise.all([this.#messages(generation), this.#functions(generation)]).then(
      () => this.#over(),
      // A plugin that breaks its own stream has failed; its session tells why, or is found silent.
      () => undefined,
    );
  }

  get hasResult(): boolean {
    return this.#hasResult;
  }

  get reply(): Reply {
    return this.#options.reply;
  }

  /** Audio that was handed on by now. */
  get releasedMs(): number {
    return this.#stretch?.releasedMs ?? 0;
  }

  /** Broken: what was held back is given as far as it is whole. */
  break(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stretch?.break();
  }

  /** Nothing more of it is wanted. */
  stop(): void {
    this.#isStopped = true;
  }

  async #messages({ messageStream }: llm.GenerationCreatedEvent): Promise<void> {
    for await (const given of messageStream) {
      if (this.#isStopped) continue;
      const { owner, reply, pace, events } = this.#options;
      const message = reply.open(given.messageId);
      const stretch = message.continueBy(owner, given.messageId, pace);
      this.#stretch = stretch;
      events.onMessage(this, message);
      await Promise.all([this.#audio(given, stretch), this.#text(given, stretch)]);
      if (this.#isStopped) continue;
      // A plugin may end its streams in the moment in which it loses the session: that is told first.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      if (this.#isStopped) continue;
      stretch.end();
      if (stretch.hasResult) reply.endMessage();
    }
  }

  async #audio({ audioStream }: llm.MessageGeneration, stretch: Stretch): Promise<void> {
    const mono = new MonoAudio(REPLY_RATE_HZ);
    for await (const frame of audioStream) {
      if (this.#isStopped || frame.samplesPerChannel === 0) continue;
      stretch.audio(mono.push(frame));
      this.#result();
    }
  }

  async #text({ textStream }: llm.MessageGeneration, stretch: Stretch): Promise<void> {
    for await (const piece of textStream) {
      if (this.#isStopped) continue;
      const text = typeof piece === 'string' ? piece : piece.text;
      if (text === '') continue;
      stretch.words(text);
    }
  }

  async #functions({ functionStream }: llm.GenerationCreatedEvent): Promise<void> {
    for await (const call of functionStream) {
      if (this.#isStopped) continue;
      this.#result();
      this.#options.events.onCall(this, call);
    }
  }

  #result(): void {
    this.#hasResult = true;
    this.#options.events.onResult(this);
  }

  #over(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#options.events.onComplete(this);
  }
}
