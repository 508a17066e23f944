// The words of one reply over all models that work at it: whole ones are given at once, one that may be cut in two is kept back.
import { ContinuationJoin } from '../../text/continuation.ts';
import { isWholeReply } from '../../text/continuation-prompt.ts';

export class ReplyWords {
  /** Whole words given so far, including those of earlier models. */
  #said: string;
  #join: ContinuationJoin;
  #partial = '';
  /** Last word of a suspect reply, kept back: it is given after all unless the next model says it again. */
  #owed = '';

  constructor(said: string) {
    this.#said = said;
    this.#join = new ContinuationJoin(said);
  }

  get said(): string {
    return this.#said;
  }

  get count(): number {
    return this.#said.match(/\S+/g)?.length ?? 0;
  }

  /** Whether the reply is complete, as far as its words can tell. */
  get isWhole(): boolean {
    return isWholeReply(this.#said + this.#partial);
  }

  /** Call before the words of the next model. */
  begin(): void {
    this.#join = new ContinuationJoin(this.#said);
    this.#partial = '';
  }

  /** @returns the whole words of it that are new */
  push(text: string): string {
    const all = this.#partial + this.#join.push(text);
    this.#partial = /\S+$/.exec(all)?.[0] ?? '';
    return this.#give(all.slice(0, all.length - this.#partial.length));
  }

  /** Call when the reply is complete. @returns what was kept back */
  end(): string {
    const rest = this.#partial + this.#join.end();
    this.#partial = '';
    return this.#give(rest === '' ? this.#owed : rest);
  }

  /** Call when the reply may be complete, or cut in the middle of its last word: that word is kept back. */
  suspect(): string {
    const rest = this.#partial + this.#join.end();
    this.#partial = '';
    const last = /\S+$/.exec(rest)?.[0] ?? '';
    const given = this.#give(rest.slice(0, rest.length - last.length));
    this.#owed = last;
    return given;
  }

  #give(text: string): string {
    let given = text;
    if (this.#owed !== '' && /\S/.test(text)) {
      const isSaid = text.trimStart().toLowerCase().startsWith(this.#owed.toLowerCase());
      const isEnd = /^\s*[.,;:!?]/.test(text);
      if (!isSaid && text !== this.#owed) given = `${this.#owed}${isEnd ? '' : ' '}${text.trimStart()}`;
      this.#owed = '';
    }
    this.#said += given;
    return given;
  }
}
