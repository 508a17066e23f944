// All text of one reply as it was written, with where the caller flushed; and its clauses from any place on.
import { ClauseSplitter } from '../../text/clauses.ts';

/** Half-open range of character indices in the reply. */
export interface TextSpan {
  readonly from: number;
  readonly to: number;
}

export class ReplyText {
  readonly #flushes: number[] = [];
  #text = '';
  #ended = false;

  get text(): string {
    return this.#text;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Number of complete segments; in an ended reply, of all segments. */
  get closedSegments(): number {
    return this.#flushes.length;
  }

  write(piece: string): void {
    this.#text += piece;
  }

  flush(): void {
    this.#flushes.push(this.#text.length);
  }

  /** Blanks after the last flush make no segment of their own; an empty reply is one segment. */
  end(): void {
    const last = this.#flushes.at(-1);
    if (last === undefined || this.#text.slice(last).trim() !== '') this.flush();
    this.#ended = true;
  }

  /** Whether a segment has ended at or after `at` with nothing speakable in between. */
  endsSegmentBehind(at: number): boolean {
    return this.#flushes.some((end) => end >= at && !isSpeakable(this.#text.slice(at, end)));
  }

  /** End index of the segment with this number, from 0; undefined while it is open. */
  segmentEnd(segment: number): number | undefined {
    return this.#flushes[segment];
  }
}

/** Whether a voice would say any of the text; punctuation, emoji, tags and code are not spoken. */
export function isSpeakable(text: string): boolean {
  const said = text.replace(/```.*?(?:```|$)/gs, ' ').replace(/<\/?[a-z][^<>]*>/gi, ' ');
  return /[\p{L}\p{N}]/u.test(said);
}

/** Follows a reply while it is written and returns its complete clauses, speakable ones only. */
export class ClauseScan {
  readonly #reply: ReplyText;
  readonly #splitter = new ClauseSplitter();
  /** Index up to which text was given to the splitter. */
  #read: number;
  /** Index up to which text was returned as clauses. */
  #told: number;
  #segment: number;

  constructor(reply: ReplyText, from: number, segment: number) {
    this.#reply = reply;
    this.#read = from;
    this.#told = from;
    this.#segment = segment;
  }

  /** Clauses completed since the last call, with the blanks after them. */
  next(): TextSpan[] {
    const found: TextSpan[] = [];
    for (;;) {
      const end = this.#reply.segmentEnd(this.#segment);
      const piece = this.#reply.text.slice(this.#read, end);
      this.#read += piece.length;
      if (piece !== '') this.#place(this.#splitter.push(piece), found);
      if (end === undefined) return found;
      this.#place(this.#splitter.flush(), found);
      this.#told = end;
      this.#segment += 1;
    }
  }

  #place(clauses: readonly { readonly text: string }[], found: TextSpan[]): void {
    for (const { text } of clauses) {
      const rest = this.#reply.text.slice(this.#told, this.#read);
      // The splitter cuts code out of a clause; such a clause is found by its last characters.
      const whole = rest.indexOf(text);
      const tail = text.slice(-12);
      const at = whole === -1 ? Math.max(0, rest.indexOf(tail)) : whole;
      const length = whole === -1 ? tail.length : text.length;
      const behind = rest.slice(at + length);
      const blanks = behind.length - behind.trimStart().length;
      const from = whole === -1 ? this.#told : this.#told + whole;
      this.#told += Math.min(rest.length, at + length + blanks);
      if (isSpeakable(text)) found.push({ from, to: this.#told });
    }
  }
}
