// The caller's words as Gemini transcribes them: while they are said, or any time after them, without an end.
import type { llm } from '@livekit/agents';

/** The transcript of an answered turn is final when no words came for this long. */
const SETTLE_MS = 600;

interface Turn {
  readonly itemId: string;
  readonly startedAt: number;
  text: string;
}

export class CallerTranscript {
  readonly #onWords: (event: llm.InputTranscriptionCompleted) => void;
  #turn: Turn | undefined;
  /** When the answer to the last turn began; undefined once the caller begins another turn. */
  #answeredAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(onWords: (event: llm.InputTranscriptionCompleted) => void) {
    this.#onWords = onWords;
  }

  write(text: string): void {
    // Words of a turn that is being answered were said before the answer.
    const startedAt = this.#answeredAt === undefined ? Date.now() : this.#answeredAt - 1;
    this.#turn ??= { itemId: `GI_${crypto.randomUUID().slice(0, 13)}`, startedAt, text: '' };
    const turn = this.#turn;
    turn.text = turn.text === '' ? text.trimStart() : turn.text + text;
    this.#onWords({ itemId: turn.itemId, transcript: turn.text, isFinal: false });
    if (this.#answeredAt !== undefined) this.#settle();
  }

  /** Call when an answer has begun. */
  answered(): void {
    if (this.#answeredAt !== undefined) return;
    this.#answeredAt = Date.now();
    if (this.#turn) this.#settle();
  }

  /** Call when the caller begins to speak: another turn begins if the last one was answered. */
  callerBegan(): void {
    if (this.#answeredAt === undefined) return;
    this.#tell();
    this.#answeredAt = undefined;
  }

  turnEnded(): void {
    if (this.#answeredAt !== undefined) this.#tell();
  }

  close(): void {
    this.turnEnded();
    clearTimeout(this.#timer);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), SETTLE_MS);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    const turn = this.#turn;
    this.#turn = undefined;
    if (!turn) return;
    const { itemId, text, startedAt } = turn;
    this.#onWords({ itemId, transcript: text, isFinal: true, turnStartedAt: startedAt });
  }
}
