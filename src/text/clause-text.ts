// The clauses of what is written as a vendor is to say them, beside what stood in the text, so that nothing of it gets lost.
import { ClauseSplitter } from './clauses.ts';

export interface SpokenText {
  /** The clause verbatim, with the blanks that follow it. */
  readonly written: string;
  /** Text before the clause that is not spoken: blanks, code, a line of dashes. */
  readonly lead: string;
  /** The clause without markup, with a blank at its end. */
  readonly spoken: string;
}

export class WrittenText {
  readonly #clauses = new ClauseSplitter();
  /** Written text that is not yet part of a clause. */
  #rest = '';

  push(piece: string): SpokenText[] {
    this.#rest += piece;
    return this.#take(this.#clauses.push(piece));
  }

  /** Returns all that is left. */
  flush(): SpokenText[] {
    return this.#take(this.#clauses.flush());
  }

  #take(clauses: readonly { readonly text: string }[]): SpokenText[] {
    const texts: SpokenText[] = [];
    for (const { text } of clauses) {
      if (!/[\p{L}\p{N}]/u.test(text)) continue;
      const at = Math.max(0, this.#rest.indexOf(text));
      const after = this.#rest.slice(at + text.length);
      const blanks = after.length - after.trimStart().length;
      const lead = this.#rest.slice(0, at);
      this.#rest = after.slice(blanks);
      texts.push({ written: text + after.slice(0, blanks), lead, spoken: `${withoutMarkup(text)} ` });
    }
    return texts;
  }
}

/** Removes marks that a voice would read out or take for tags of its own. */
function withoutMarkup(text: string): string {
  return text.replace(/[*_`#~|<>\s]+/g, ' ').trim();
}
