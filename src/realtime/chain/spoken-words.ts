// Which words of a reply lie in how much of its audio: vendors tell words and audio side by side, without times.

/** Pace of usual speech, used until this voice's own pace is known. */
const USUAL_MS_PER_CHAR = 62;
/** Words that come more than this before their audio are placed by the pace alone. */
const MOST_LEAD_MS = 900;

/** How a voice's words and audio align in time, learnt over its replies. */
export class SpeakingPace {
  #msPerChar = USUAL_MS_PER_CHAR;
  #leadMs: number | undefined;

  get msPerChar(): number {
    return this.#msPerChar;
  }

  /** How long words come before their audio; undefined until a reply was complete. */
  get leadMs(): number | undefined {
    return this.#leadMs;
  }

  /** Learns from a complete reply: `lastArrivedMs` of its audio had come when its last word, of `lastChars` letters, came. */
  learn(reply: { chars: number; audioMs: number; lastChars: number; lastArrivedMs: number }): void {
    if (reply.chars < 8 || reply.audioMs < 500) return;
    this.#msPerChar += 0.5 * (reply.audioMs / reply.chars - this.#msPerChar);
    const leadMs = reply.audioMs - reply.lastChars * (reply.audioMs / reply.chars) - reply.lastArrivedMs;
    const bounded = Math.max(0, Math.min(MOST_LEAD_MS, leadMs));
    this.#leadMs = this.#leadMs === undefined ? bounded : (this.#leadMs + bounded) / 2;
  }
}

interface Word {
  /** Includes the blanks beside the word. */
  readonly text: string;
  readonly startMs: number;
}

export class SpokenWords {
  readonly #pace: SpeakingPace;
  readonly #words: Word[] = [];
  #pending = '';
  #pendingAtMs = 0;
  #chars = 0;
  #taken = 0;
  #leadMs: number | undefined;
  #last = { chars: 0, arrivedMs: 0 };

  constructor(pace: SpeakingPace) {
    this.#pace = pace;
    this.#leadMs = pace.leadMs;
  }

  /** @param audioMs what had come of the audio by then */
  add(text: string, audioMs: number): void {
    // A word may come in pieces; it is complete when the next one begins.
    for (const piece of text.split(/(?<=\s)(?=\S)|(?<=\S)(?=\s)/)) {
      const isNext = /\S/.test(piece) && /\S/.test(this.#pending) && /\s$/.test(this.#pending);
      if (isNext) this.#close();
      if (this.#pending.trim() === '') this.#pendingAtMs = audioMs;
      this.#pending += piece;
    }
  }

  /** Call when no more text of this part comes. */
  end(): void {
    if (this.#pending !== '') this.#close();
  }

  /** Call when the part was complete, with the length of its audio. */
  learn(audioMs: number): void {
    this.#pace.learn({
      chars: this.#chars,
      audioMs,
      lastChars: this.#last.chars,
      lastArrivedMs: this.#last.arrivedMs,
    });
  }

  /** The words that begin before this position in the audio and were not taken yet. */
  take(untilMs: number): string {
    let text = '';
    while (this.#taken < this.#words.length && (this.#words[this.#taken] as Word).startMs < untilMs) {
      text += (this.#words[this.#taken] as Word).text;
      this.#taken += 1;
    }
    return text;
  }

  /** Number of words that were not taken. */
  get left(): number {
    return this.#words.length - this.#taken + (this.#pending.trim() === '' ? 0 : 1);
  }

  /** Start in the audio of the next word that was not taken. */
  get nextStartMs(): number | undefined {
    return this.#words[this.#taken]?.startMs;
  }

  /** Start of the last word that begins before this position in the audio. */
  startBefore(audioMs: number): number | undefined {
    return this.#words.findLast(({ startMs }) => startMs < audioMs)?.startMs;
  }

  #close(): void {
    const chars = this.#pending.trim().length + 1;
    this.#words.push({ text: this.#pending, startMs: this.#startMs() });
    this.#last = { chars, arrivedMs: this.#pendingAtMs };
    this.#chars += chars;
    this.#pending = '';
  }

  /** Start of the next word: its arrival plus the usual lead; the pace alone places text that is far ahead of the audio. */
  #startMs(): number {
    // The first word begins with the audio, however late its text comes.
    if (this.#chars === 0) return 0;
    const paceMs = this.#chars * this.#pace.msPerChar;
    if (this.#pendingAtMs === 0 || paceMs - this.#pendingAtMs > MOST_LEAD_MS) return paceMs;
    this.#leadMs ??= Math.max(0, paceMs - this.#pendingAtMs);
    return this.#pendingAtMs + this.#leadMs;
  }
}
