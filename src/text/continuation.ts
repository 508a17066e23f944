// Joins a reply that another model goes on with to the words that were already given: nothing twice, nothing lost.

/** A reply that shares at least this many first words with the begun one counts as starting over. */
const RESTART_WORDS = 3;
/** Number of last words in which an overlap at the seam is looked for. */
const OVERLAP_WORDS = 12;

/** With a capital, these words begin a sentence; a capitalised name, day or month may stand anywhere in one. */
const SENTENCE_STARTERS = new Set(
  (
    'The This That These There Here We You Your Our They He She It Its My Yes No Not Sure Okay Of Sorry Thank Thanks Hello ' +
    'Hi Good Please Let What When Where Which Who Why How Is Are Was Do Does Did Can Could Will Would Shall Should May ' +
    'If In On At To For With From And But So As All Any'
  ).split(' '),
);

interface Token {
  /** The word with the blanks before it. */
  readonly raw: string;
  /** The word in lower case, letters and digits only. */
  readonly key: string;
}

/**
 * Filters the text of the provider that takes over. Words are held back only until it is clear whether the text continues the
 * reply, repeats its last words, starts over from the beginning, or says something else.
 */
export class ContinuationJoin {
  readonly #said: readonly Token[];
  readonly #saidText: string;
  #pending = '';
  #isDecided: boolean;
  /** Whether nothing of the new reply was returned yet. */
  #isFirstPiece = true;

  constructor(said: string) {
    this.#saidText = said;
    this.#said = tokensOf(said);
    this.#isDecided = this.#said.length === 0;
  }

  /** @returns what is new of the reply so far */
  push(text: string): string {
    if (this.#isDecided) return this.#emit(text);
    this.#pending += text;
    return this.#decide(false);
  }

  /** Call when the reply is complete; returns what was held back. */
  end(): string {
    return this.#isDecided ? '' : this.#decide(true);
  }

  #decide(isComplete: boolean): string {
    // The last word may not be whole yet.
    const tokens = tokensOf(isComplete ? this.#pending : this.#pending.replace(/\S+$/, ''));
    if (tokens.length === 0) return isComplete ? this.#release(this.#pending.trim() === '' ? '' : this.#pending) : '';

    const same = commonStart(tokens, this.#said);
    const needed = Math.min(RESTART_WORDS, this.#said.length);
    const mayRestart = same === tokens.length && same < this.#said.length;
    if (mayRestart && !isComplete) return '';
    if (same === this.#said.length) return this.#release(this.#after(same));
    if (same >= needed && isComplete && mayRestart) return this.#release('');

    const overlap = overlapOf(this.#said, tokens, isComplete);
    if (overlap === 'unclear') return '';
    if (overlap > 0) return this.#release(this.#after(overlap));
    return this.#release(this.#joined(this.#pending));
  }

  #release(text: string): string {
    this.#isDecided = true;
    this.#pending = '';
    return this.#emit(text);
  }

  /** The pending text after its first `count` words. */
  #after(count: number): string {
    let rest = this.#pending;
    for (let word = 0; word < count; word += 1) rest = rest.replace(/^\s*\S+/, '');
    return rest;
  }

  /** Puts a full stop before a reply that begins a new sentence, if the words said before end in the middle of one. */
  #joined(text: string): string {
    const begins = SENTENCE_STARTERS.has(/\p{Lu}\p{Ll}+/u.exec(text.trimStart().split(/\s/)[0] ?? '')?.[0] ?? '');
    const isOpen = !/[.!?:…]["'”)]?\s*$/.test(this.#saidText);
    return begins && isOpen ? `. ${text.trimStart()}` : text;
  }

  #emit(text: string): string {
    if (!this.#isFirstPiece || text === '') return text;
    this.#isFirstPiece = false;
    const needsBlank = this.#saidText !== '' && !/\s$/.test(this.#saidText) && !/^[\s.,;:!?]/.test(text);
    const hasTwo = /\s$/.test(this.#saidText) && /^\s/.test(text);
    return needsBlank ? ` ${text}` : hasTwo ? text.trimStart() : text;
  }
}

function tokensOf(text: string): Token[] {
  return [...text.matchAll(/\s*\S+/g)].map(([raw]) => ({
    raw,
    key: raw.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''),
  }));
}

function commonStart(a: readonly Token[], b: readonly Token[]): number {
  let count = 0;
  while (count < a.length && count < b.length && a[count]?.key === b[count]?.key) count += 1;
  return count;
}

/** How many first words of `next` are the last words of `said`; 'unclear' while more words could still make an overlap. */
function overlapOf(said: readonly Token[], next: readonly Token[], isComplete: boolean): number | 'unclear' {
  for (let length = Math.min(OVERLAP_WORDS, said.length); length >= 1; length -= 1) {
    const end = said.slice(said.length - length);
    const same = commonStart(end, next);
    if (same === length) return length;
    if (!isComplete && same === next.length) return 'unclear';
  }
  return 0;
}
