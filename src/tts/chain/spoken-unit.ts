// One piece of text that a provider speaks up to a flush, and what of it is in the sound so far.
import { WordAligner } from '../../text/align-words.ts';
import { spokenChars } from '../../text/spell-codes.ts';
import type { TtsPart } from '../contract.ts';
import { estimateWordTimes } from '../estimate-word-times.ts';
import type { PlacedWord } from './playout.ts';
import { isSpeakable, type TextSpan } from './reply-text.ts';
import type { VoiceProfile } from './voice-profile.ts';

/** Vendors' ends of words are rough, and some cut the silence of the last one. */
const END_SLACK_MS = 100;
/** What breaks off in the midst of sound is not a word's end, but for so much. */
const LOUD_END_SLACK_MS = 15;
/** A part of the usual length below which sound can't hold all of its text; short texts vary more. */
const LEAST_SHARE = { short: 0.4, long: 0.55 } as const;
const LONG_CHARS = 30;

export interface UnitOptions {
  /** Where it begins in the reply's text, and in the source's sound. */
  readonly from: number;
  readonly startMs: number;
  readonly hasTimes: boolean;
  readonly profile: VoiceProfile;
}

export class SpokenUnit {
  readonly from: number;
  startMs: number;
  /** In the reply's text; undefined while more is written to it. */
  to: number | undefined;
  audioMs = 0;
  readonly words: PlacedWord[] = [];
  readonly clauses: TextSpan[] = [];
  readonly #options: UnitOptions;
  readonly #aligner = new WordAligner();
  /** Heard before it was known as part of a clause. */
  #early: Extract<TtsPart, { type: 'word' }>[] = [];
  #aligned: number;
  #told: number;
  #text = '';
  #hasWords = false;

  constructor(options: UnitOptions) {
    this.#options = options;
    this.from = options.from;
    this.startMs = options.startMs;
    this.#aligned = options.from;
    this.#told = options.from;
  }

  get #endMs(): number {
    return this.startMs + this.audioMs;
  }

  /** @param text the reply's, from its beginning */
  clause(span: TextSpan, text: string): PlacedWord[] {
    this.clauses.push(span);
    const lead = text.slice(this.#aligned, span.from);
    this.#aligner.write(text.slice(span.from, span.to), lead);
    this.#text += text.slice(this.#aligned, span.to);
    this.#aligned = span.to;
    const early = this.#early;
    this.#early = [];
    return early.flatMap((word) => this.hear(word));
  }

  /** @returns the written words that it completes */
  hear(word: Extract<TtsPart, { type: 'word' }>): PlacedWord[] {
    if (!this.#options.hasTimes) return [];
    this.#hasWords = true;
    if (this.#aligner.missing === 0) {
      this.#early.push(word);
      return [];
    }
    return this.#place(this.#aligner.hear(word));
  }

  /** Estimated words whose sound is there; none where the provider tells them. */
  grow(audioMs: number): PlacedWord[] {
    this.audioMs += audioMs;
    if (this.#options.hasTimes) return [];
    const expectedMs = Math.max(this.chars * this.#options.profile.msPerChar, this.audioMs);
    return this.#estimate(this.startMs, this.startMs + expectedMs, this.#endMs);
  }

  /** No more comes. */
  finish(): PlacedWord[] {
    if (this.#options.hasTimes) return this.#place(this.#aligner.finish(this.#endMs));
    return this.#estimate(this.words.at(-1)?.endMs ?? this.startMs, this.#endMs, Number.POSITIVE_INFINITY);
  }

  /**
   * After `finish`: whether the sound is too short for its text.
   * @param endsLoud it ends in the midst of sound
   */
  isCutShort(endsLoud: boolean): boolean {
    const slackMs = endsLoud ? LOUD_END_SLACK_MS : END_SLACK_MS;
    if (this.#hasWords && (this.#aligner.missing > 0 || this.#lastEndMs > this.#endMs + slackMs)) return true;
    return !this.hasExactWords && this.audioMs < this.#leastMs;
  }

  get hasExactWords(): boolean {
    return this.#hasWords && this.#options.hasTimes;
  }

  get chars(): number {
    return spokenChars(this.#text);
  }

  /** Sound of this length may hold all of the text. */
  get #leastMs(): number {
    const { chars } = this;
    const share = chars < LONG_CHARS ? LEAST_SHARE.short : LEAST_SHARE.long;
    return share * chars * this.#options.profile.msPerChar;
  }

  /** Whether something that it was given, and can be spoken, is not in the sound. */
  get isPending(): boolean {
    if (this.to !== undefined) return true;
    const due = this.clauses.at(-1)?.to;
    if (due === undefined) return false;
    if (!this.#hasWords) return this.audioMs < this.#leastMs;
    return this.#aligner.missing > 0 || this.#lastEndMs > this.#endMs + END_SLACK_MS;
  }

  get #lastEndMs(): number {
    return this.words.at(-1)?.endMs ?? 0;
  }

  #place(found: readonly { readonly text: string; readonly startMs: number; readonly endMs: number }[]): PlacedWord[] {
    const placed = found.map(({ text, startMs, endMs }) => {
      this.#told += text.length;
      return { text, to: this.#told, startMs, endMs };
    });
    this.words.push(...placed);
    return placed;
  }

  /** The words not told yet, spread over the time; those that end before `untilMs`. */
  #estimate(fromMs: number, toMs: number, untilMs: number): PlacedWord[] {
    const told = this.#told - this.from;
    const fromTold = untilMs === Number.POSITIVE_INFINITY;
    const text = fromTold ? this.#text.slice(told) : this.#text;
    const verbatim = text.match(/\s*\S+\s*/g) ?? [];
    const lastEndMs = this.words.at(-1)?.endMs ?? this.startMs;
    const found: PlacedWord[] = [];
    let to = this.from + (fromTold ? told : 0);
    estimateWordTimes(text, fromMs, toMs).forEach(({ startMs, endMs }, i) => {
      const written = verbatim[i] ?? '';
      to += written.length;
      if (to <= this.#told || endMs > untilMs || (found.length === 0 && !isSpeakable(text))) return;
      this.#told = to;
      const start = Math.max(startMs, found.at(-1)?.endMs ?? lastEndMs);
      found.push({ text: written, to, startMs: start, endMs: Math.max(start, endMs) });
    });
    this.words.push(...found);
    return found;
  }
}
