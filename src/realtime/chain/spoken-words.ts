// Which words of a reply lie in how much of its audio: vendors tell words and audio side by side, without times.

/** A word takes as long as its letters and these: short words are spoken longer than their letters alone would take. */
const LETTERS_OF_ANY_WORD = 5;
/** Pace of usual speech, used until this voice's own pace is known. */
const USUAL_MS_PER_LETTER = 36;
/** Bounds of the lead: text that comes earlier came all at once. */
const LEAD_MS = { least: -1_000, most: 3_000 };

/** What a complete reply shows of its voice; times are milliseconds of its audio that had come. */
interface SpokenReply {
  readonly letters: number;
  readonly audioMs: number;
  readonly firstArrivedMs: number;
  readonly last: { readonly letters: number; readonly arrivedMs: number };
}

/** How a voice's words and audio align in time, learnt over its replies. */
export class SpeakingPace {
  #msPerLetter: number | undefined;
  #leadMs: number | undefined;

  get msPerLetter(): number {
    return this.#msPerLetter ?? USUAL_MS_PER_LETTER;
  }

  /** How long words come before their audio, negative where after it; undefined while no reply showed it. */
  get leadMs(): number | undefined {
    return this.#leadMs;
  }

  learn({ letters, audioMs, firstArrivedMs, last }: SpokenReply): void {
    if (letters < 12 || audioMs < 500) return;
    const msPerLetter = audioMs / letters;
    this.#msPerLetter = meanWith(this.#msPerLetter, msPerLetter);
    // Text that came at once says nothing about how long before their audio words come.
    if (last.arrivedMs <= firstArrivedMs) return;
    const leadMs = audioMs - last.letters * msPerLetter - last.arrivedMs;
    const bounded = Math.max(LEAD_MS.least, Math.min(LEAD_MS.most, leadMs));
    this.#leadMs = meanWith(this.#leadMs, bounded);
  }
}

/** The latest reply counts for half, as voices and vendors change. */
function meanWith(learnt: number | undefined, latest: number): number {
  return learnt === undefined ? latest : (learnt + latest) / 2;
}

interface Word {
  /** Includes the blanks beside the word. */
  readonly text: string;
  readonly letters: number;
  /** How much of the audio had come when the word came. */
  readonly arrivedMs: number;
  readonly startMs: number;
}

export class SpokenWords {
  readonly #pace: SpeakingPace;
  readonly #words: Word[] = [];
  #pending = '';
  #pendingAtMs = 0;
  #taken = 0;
  /** Length of the longest piece of audio: a word may lie anywhere in the piece that it came with. */
  #pieceMs = 0;

  constructor(pace: SpeakingPace) {
    this.#pace = pace;
  }

  /** Call with the length of each piece of audio that comes. */
  heard(pieceMs: number): void {
    this.#pieceMs = Math.max(this.#pieceMs, pieceMs);
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
    const [first, last] = [this.#words[0], this.#words.at(-1)];
    if (!first || !last) return;
    const letters = this.#words.reduce((sum, word) => sum + word.letters, 0);
    this.#pace.learn({ letters, audioMs, firstArrivedMs: first.arrivedMs, last });
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

  /** End in the audio of the last word that came; 0 where none did. */
  get endMs(): number {
    return this.#endOf(this.#words.at(-1));
  }

  /** End in the audio of the last word that was taken; 0 where none was. */
  get takenEndMs(): number {
    return this.#endOf(this.#words[this.#taken - 1]);
  }

  /** End in the audio, by the pace alone, of the words that end before this one begins. */
  pacedEndMs(startMs: number): number {
    const before = this.#words.filter((word) => word.startMs < startMs);
    return before.reduce((sum, { letters }) => sum + letters, 0) * this.#pace.msPerLetter;
  }

  /** Start of the last word that begins before this position in the audio. */
  startBefore(audioMs: number): number | undefined {
    return this.#words.findLast(({ startMs }) => startMs < audioMs)?.startMs;
  }

  #endOf(word: Word | undefined): number {
    return word ? word.startMs + word.letters * this.#pace.msPerLetter : 0;
  }

  #close(): void {
    const letters = this.#pending.trim().length + LETTERS_OF_ANY_WORD;
    this.#words.push({ text: this.#pending, letters, arrivedMs: this.#pendingAtMs, startMs: this.#startMs() });
    this.#pending = '';
  }

  /** Start of the next word: the pace says where it begins, within the bounds that its arrival gives. */
  #startMs(): number {
    // The first word begins with the audio, however late its text comes.
    if (this.#words.length === 0) return 0;
    const paceMs = this.endMs;
    const { leadMs } = this.#pace;
    if (leadMs === undefined) return Math.max(this.#pendingAtMs, paceMs);
    // Its piece may have come just before it, and the longer a lead is, the more it varies.
    const slackMs = this.#pieceMs + Math.abs(leadMs);
    const usualMs = this.#pendingAtMs + leadMs;
    return Math.max(usualMs - slackMs, Math.min(paceMs, usualMs + slackMs));
  }
}
