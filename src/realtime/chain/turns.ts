// The caller's turns that are not over: words that are not in the conversation yet, or that nobody has answered.

/** An answered turn whose words never came is dropped after this time: the vendor had none. */
const WORDLESS_MS = 5_000;

interface Turn {
  /** Start in the caller's audio, in samples. */
  readonly from: number;
  isEnded: boolean;
  hasWords: boolean;
  answeredMs: number | undefined;
}

export class CallerTurns {
  #turns: Turn[] = [];

  /** Start of the first turn whose words are not known, in samples. */
  get wordlessFrom(): number | undefined {
    return this.#turns.find(({ hasWords }) => !hasWords)?.from;
  }

  get isOpen(): boolean {
    return this.#turns.some(({ isEnded }) => !isEnded);
  }

  get openFrom(): number | undefined {
    return this.#turns.find(({ isEnded }) => !isEnded)?.from;
  }

  get isUnanswered(): boolean {
    return this.#turns.some(({ answeredMs }) => answeredMs === undefined);
  }

  get isEmpty(): boolean {
    return this.#turns.length === 0;
  }

  begin(from: number, nowMs: number): void {
    this.#turns = this.#turns.filter(({ answeredMs }) => answeredMs === undefined || nowMs - answeredMs < WORDLESS_MS);
    if (!this.isOpen) this.#turns.push({ from, isEnded: false, hasWords: false, answeredMs: undefined });
  }

  end(): void {
    for (const turn of this.#turns) turn.isEnded = true;
  }

  /** Call when a reply to all turns began. */
  answered(nowMs: number, hasNoWords: boolean): void {
    for (const turn of this.#turns) {
      turn.isEnded = true;
      turn.answeredMs ??= nowMs;
      if (hasNoWords) turn.hasWords = true;
    }
    this.#drop();
  }

  /** Call when a turn's words came: they belong to the oldest turn that lacked them. */
  words(): void {
    const turn = this.#turns.find(({ hasWords }) => !hasWords);
    if (turn) turn.hasWords = true;
    this.#drop();
  }

  clear(): void {
    this.#turns = [];
  }

  #drop(): void {
    this.#turns = this.#turns.filter(({ hasWords, answeredMs }) => !hasWords || answeredMs === undefined);
  }
}
