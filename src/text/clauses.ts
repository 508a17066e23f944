// Cuts text that arrives in pieces into clauses, so that speech begins before the sentence is written.

export interface Clause {
  /** The clause as written, with its punctuation and markup. */
  readonly text: string;
  /** Milliseconds of the pause that a speaker would make after the clause. */
  readonly pauseMs: number;
}

const PAUSE_MS = { sentence: 300, line: 400, comma: 150, none: 0 } as const;

/** The first clause is short, because the caller waits for it; later ones may be long, because they sound better whole. */
const FIRST = { minChars: 8, maxChars: 80, lookaheadChars: 0 } as const;
/** Later text is cut at a comma only if `lookaheadChars` follow the comma, so that no ", please." stands alone. */
const LATER = { minChars: 40, maxChars: 200, lookaheadChars: 12 } as const;

const CLOSING = `["'”’)\\]*_\`]*`;
const BOUNDARY = new RegExp(
  [
    `(?<sentence>[.!?…]+)${CLOSING}(?<space>\\s+)`,
    `(?<comma>[,;:])${CLOSING}[^\\S\\n]+`,
    `(?<line>[^\\S\\n]*\\n\\s*)`,
    `(?<dash>\\s*—\\s*|\\s[–-]{1,2}\\s)`,
  ].join('|'),
  'g',
);
const FENCE = '```';
const CLOSED_FENCE = /```.*?```/gs;

/** Abbreviations that stand before what they belong to, so no sentence ends with them. */
const NEVER_LAST = new Set(
  'mr mrs ms mx dr prof st mt ft gen sen rep rev hon capt lt col sgt vs e.g i.e approx ca fig'.split(' '),
);
/** Abbreviations that end a sentence only where a capital follows. */
const MAYBE_LAST = new Set(
  (
    'etc inc ltd co corp jr sr ave blvd rd dept est ext tel no nos vol p pp min max hr hrs ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun'
  ).split(' '),
);
const DOTTED_LOWER = /^(\p{Ll}\.)+\p{Ll}$/u;
const DOTTED_UPPER = /^(\p{Lu}\.)+\p{Lu}$/u;
const CONJUNCTION = /\s(?=(?:and|but|or|because|so|which|that|where|when|while|if|with|for|to)\s)/g;

interface Cut {
  readonly end: number;
  readonly pauseMs: number;
}

/** 'wait': the text that follows decides and has not arrived yet. */
type Verdict = Cut | 'no' | 'wait';

export class ClauseSplitter {
  #text = '';
  #limits: typeof FIRST | typeof LATER = FIRST;

  /** Takes a piece of any length; returns the clauses that it completes. */
  push(piece: string): Clause[] {
    this.#text = (this.#text + piece).replace(CLOSED_FENCE, '\n');
    return this.#take(false);
  }

  /** Returns all that is left. The next clause counts as a first one again. */
  flush(): Clause[] {
    const clauses = this.#take(true);
    this.#text = '';
    this.#limits = FIRST;
    return clauses;
  }

  #take(final: boolean): Clause[] {
    const clauses: Clause[] = [];
    for (;;) {
      this.#text = this.#text.trimStart();
      const cut = findCut(this.#speakable(), this.#limits, final);
      if (!cut) return clauses;
      const text = this.#text.slice(0, cut.end).trim();
      this.#text = this.#text.slice(cut.end);
      clauses.push({ text, pauseMs: cut.pauseMs });
      this.#limits = LATER;
    }
  }

  /** Returns the text before an open code fence, because code is not read out. */
  #speakable(): string {
    const fence = this.#text.indexOf(FENCE);
    return fence === -1 ? this.#text : this.#text.slice(0, fence);
  }
}

function findCut(text: string, limits: typeof FIRST | typeof LATER, final: boolean): Cut | undefined {
  if (text === '') return undefined;
  for (const match of text.matchAll(BOUNDARY)) {
    if (match.index > limits.maxChars) break;
    const verdict = verdictOf(text, match, limits, final);
    if (verdict === 'wait') break;
    if (verdict !== 'no') return verdict;
  }
  if (text.length > limits.maxChars) return forcedCut(text, limits.maxChars);
  return final ? { end: text.length, pauseMs: PAUSE_MS.sentence } : undefined;
}

function verdictOf(text: string, match: RegExpExecArray, limits: typeof FIRST | typeof LATER, final: boolean): Verdict {
  const end = match.index + match[0].length;
  const before = text.slice(0, match.index);
  const after = text.slice(end);
  const { sentence, space, line } = match.groups ?? {};
  if (line !== undefined) return { end, pauseMs: PAUSE_MS.line };
  if (sentence !== undefined) {
    const pauseMs = space?.includes('\n') ? PAUSE_MS.line : PAUSE_MS.sentence;
    const ends = endsSentence(before, sentence, after, final);
    return ends === true ? { end, pauseMs } : ends === false ? 'no' : 'wait';
  }
  return commaVerdict(before, after, end, limits, final);
}

function commaVerdict(
  before: string,
  after: string,
  end: number,
  limits: typeof FIRST | typeof LATER,
  final: boolean,
): Verdict {
  if (before.length < limits.minChars) return 'no';
  // "May 5, 2026" and "1, 2, 3" stay together.
  if (/\d$/.test(before)) {
    if (after === '' && !final) return 'wait';
    if (/^\d/.test(after)) return 'no';
  }
  const rest = after.search(/[.!?…](\s|$)/);
  if (rest !== -1 && rest < LATER.lookaheadChars) return 'no';
  if (after.length < limits.lookaheadChars) return final ? 'no' : 'wait';
  return { end, pauseMs: PAUSE_MS.comma };
}

/** Undefined when the next letter decides and has not arrived yet. */
function endsSentence(before: string, marks: string, after: string, final: boolean): boolean | undefined {
  if (marks === '…' || marks.startsWith('..')) return lowerCaseFollows(after, final, false);
  if (marks !== '.') return true;
  const word = /[^\s("'“‘*_]*$/.exec(before)?.[0] ?? '';
  const lower = word.toLowerCase();
  if (NEVER_LAST.has(lower) || DOTTED_UPPER.test(word)) return false;
  // The "1." of a list and an initial, as in "J. Smith", end no sentence.
  if (/(?:^|\n)\s*\d{1,2}$/.test(before) || /^[A-HJ-Z]$/.test(word)) return false;
  if (MAYBE_LAST.has(lower) || DOTTED_LOWER.test(word)) return lowerCaseFollows(after, final, true);
  return true;
}

function lowerCaseFollows(after: string, final: boolean, digitsToo: boolean): boolean | undefined {
  const next = /[\p{L}\p{N}]/u.exec(after)?.[0];
  if (next === undefined) return final ? true : undefined;
  return !(/\p{Ll}/u.test(next) || (digitsToo && /\p{N}/u.test(next)));
}

/** Without punctuation in reach, cuts before a conjunction in the second half, else at the last space, else at `maxChars`. */
function forcedCut(text: string, maxChars: number): Cut {
  const reach = text.slice(0, maxChars);
  const conjunction = [...reach.matchAll(CONJUNCTION)].at(-1)?.index ?? -1;
  if (conjunction > maxChars / 2) return { end: conjunction, pauseMs: PAUSE_MS.none };
  const space = /^.*\D\s|^.*\s/s.exec(reach)?.[0].length ?? maxChars;
  return { end: space, pauseMs: PAUSE_MS.none };
}
