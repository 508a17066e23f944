// Finds the words that were written in those that a vendor gives times for, also where it reads "$5" as "five dollars".

/** Times are in milliseconds on the caller's clock. */
export interface TimedWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

interface Token {
  /** The word as written, with the blanks and marks that follow it. */
  readonly text: string;
  /** The word's letters and digits alone; never empty. */
  readonly key: string;
}

/** No word is spoken faster: audio with less time for each word does not hold all words. */
const LEAST_WORD_MS = 120;
/** Most words in a row that are skipped because the vendor left out their times. */
const MOST_LEFT_OUT = 2;

export class WordAligner {
  /** Written words for which no time has come yet. */
  #tokens: Token[] = [];
  /** Written text before the next word that can't be spoken. */
  #lead = '';
  /** Characters of the first token's key for which times have come, in pieces. */
  #heardChars = 0;
  #heardFromMs = 0;
  #endMs = 0;
  /** Timed words not found in the written text: they stand for a number or an abbreviation, or for nothing. */
  #unknown: TimedWord[] = [];

  /** @param text verbatim; `lead` is what was written before it and is not spoken */
  write(text: string, lead = ''): void {
    this.#lead += lead;
    for (const word of text.match(/^\s+|\S+\s*/g) ?? []) this.#add(word);
  }

  /** Start of the first timed word whose place in the text is not known; undefined where there is none. */
  get unknownSinceMs(): number | undefined {
    return this.#unknown[0]?.startMs ?? (this.#heardChars > 0 ? this.#heardFromMs : undefined);
  }

  /** Number of written words for which no timed word has come, not even an unknown one. */
  get missing(): number {
    return Math.max(0, this.#tokens.length - this.#unknown.length);
  }

  /** @returns what it completes of the written words, in order */
  hear(word: TimedWord): TimedWord[] {
    const key = keyOf(word.text);
    if (key === '' || this.#tokens.length === 0) return [];
    const reach = Math.min(this.#tokens.length - 1, this.#unknown.length + MOST_LEFT_OUT);
    for (let skipped = 0; skipped <= reach; skipped++) {
      if (!this.#standsAt(skipped, key)) continue;
      const found = skipped > 0 ? this.#take(skipped, this.#unknownFrom(), word.startMs) : [];
      this.#unknown = [];
      found.push(...this.#follow(key, word));
      return found;
    }
    this.#unknown.push(word);
    return [];
  }

  /**
   * Call when no more words will come and the audio ends at `audioEndMs`: the written words left are those that unknown ones stand
   * for, or were spoken without times. Words that `missing` counts afterwards were not spoken.
   */
  finish(audioEndMs: number): TimedWord[] {
    const found: TimedWord[] = [];
    const last = this.#unknown.at(-1);
    if (last) {
      const count = Math.min(this.#tokens.length, this.#unknown.length);
      found.push(...this.#take(count, this.#unknownFrom(), last.endMs));
      this.#unknown = [];
    }
    const left = this.#tokens.length;
    const fromMs = this.#heardChars > 0 ? this.#heardFromMs : this.#endMs;
    if (left > 0 && audioEndMs - fromMs >= left * LEAST_WORD_MS) found.push(...this.#take(left, fromMs, audioEndMs));
    return found;
  }

  #add(word: string): void {
    const key = keyOf(word);
    const last = this.#tokens.at(-1);
    if (key !== '') {
      this.#tokens.push({ text: this.#lead + word, key });
      this.#lead = '';
    } else if (last && this.#lead === '') {
      this.#tokens[this.#tokens.length - 1] = { text: last.text + word, key: last.key };
    } else {
      this.#lead += word;
    }
  }

  /** Whether the key stands `skipped` tokens ahead; further on only whole words match, because many words begin with a short one. */
  #standsAt(skipped: number, key: string): boolean {
    let ahead = '';
    for (let at = skipped; at < this.#tokens.length && ahead.length < key.length; at++) {
      const whole = this.#tokens[at]?.key ?? '';
      ahead += at === 0 ? whole.slice(this.#heardChars) : whole;
    }
    return skipped === 0 ? ahead.startsWith(key) : ahead === key;
  }

  /** Consumes the key, which is known to come next in the text. */
  #follow(key: string, { startMs, endMs }: TimedWord): TimedWord[] {
    const found: TimedWord[] = [];
    const perChar = (endMs - startMs) / key.length;
    let at = 0;
    for (let token = this.#tokens[0]; token && at < key.length; token = this.#tokens[0]) {
      const chars = Math.min(token.key.length - this.#heardChars, key.length - at);
      if (this.#heardChars === 0) this.#heardFromMs = startMs + at * perChar;
      at += chars;
      this.#heardChars += chars;
      if (this.#heardChars < token.key.length) break;
      found.push(...this.#take(1, this.#heardFromMs, startMs + at * perChar));
    }
    return found;
  }

  #unknownFrom(): number {
    return this.#heardChars > 0 ? this.#heardFromMs : (this.#unknown[0]?.startMs ?? this.#endMs);
  }

  /** Removes the next tokens and divides the time among them by their lengths. Times among them never go back. */
  #take(count: number, fromMs: number, toMs: number): TimedWord[] {
    const tokens = this.#tokens.splice(0, count);
    const chars = tokens.reduce((sum, { key }) => sum + key.length, 0);
    const firstMs = Math.max(fromMs, 0);
    const perChar = Math.max(0, toMs - firstMs) / Math.max(1, chars);
    let startMs = firstMs;
    this.#heardChars = 0;
    const words = tokens.map(({ text, key }) => {
      const word = { text, startMs, endMs: startMs + key.length * perChar };
      startMs = word.endMs;
      return word;
    });
    this.#endMs = Math.max(this.#endMs, startMs);
    return words;
  }
}

/** Letters and digits in lower case, without accents. */
function keyOf(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase();
}
