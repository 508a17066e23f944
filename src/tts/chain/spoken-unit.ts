// One piece of text that a provider speaks up to a flush, and what of it is in the sound so far.
import { WordAligner } from '../../text/align-words.ts';
import { spokenChars } from '../../text/spell-codes.ts';
import type { TtsPart } from '../contract.ts';
import { estimateWordTimes } from '../estimate-word-times.ts';
import type { PlacedWord } from './playout.ts';
import { isSpeakable, type TextSpan } from './reply-text.ts';
import type { VoiceProfile } from './voice-profile.ts';

/** Tolerance for the end of the last word: vendors' times are rough, and some vendors cut the silence after it. */
const END_SLACK_MS = 100;
/** Tolerance where the sound breaks off while it is loud, because no word ends like that. */
const LOUD_END_SLACK_MS = 15;
/** Sound shorter than this share of the usual length can't hold all of its text; short texts vary more. */
const LEAST_SHARE = { short: 0.4, long: 0.55 } as const;
const LONG_CHARS = 30;

export interface UnitOptions {
  /** Start of the unit: an index in the reply's text, and a time in the link session's sound. */
  readonly from: number;
  readonly startMs: number;
  readonly hasTimes: boolean;
  readonly profile: VoiceProfile;
}

export class SpokenUnit {
  readonly from: number;
  startMs: number;
  /** End index in the reply's text; undefined while text is still added. */
  to: number | undefined;
  audioMs = 0;
  readonly words: PlacedWord[] = [];
  readonly clauses: TextSpan[] = [];
  readonly #options: UnitOptions;
  readonly #aligner = new WordAligner();
  /** Words that arrived before the clause that holds them was complete. */
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

  /** Adds sound and returns the estimated words that it covers; none where the provider sends word times. */
  grow(audioMs: number): PlacedWord[] {
    this.audioMs += audioMs;
    if (this.#options.hasTimes) return [];
    const expectedMs = Math.max(this.chars * this.#options.profile.msPerChar, this.audioMs);
    return this.#estimate(this.startMs, this.startMs + expectedMs, this.#endMs);
  }

  /** Call when no more sound or words will come. */
  finish(): PlacedWord[] {
    if (this.#options.hasTimes) return this.#place(this.#aligner.finish(this.#endMs));
    return this.#estimate(this.words.at(-1)?.endMs ?? this.startMs, this.#endMs, Number.POSITIVE_INFINITY);
  }

  /**
   * Call after `finish`: tells whether the sound is too short for its text.
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

  /** Least length of sound that may hold all of the text. */
  get #leastMs(): number {
    const { chars } = this;
    const share = chars < LONG_CHARS ? LEAST_SHARE.short : LEAST_SHARE.long;
    return share * chars * this.#options.profile.msPerChar;
  }

  /** Whether speakable text of this unit is not in the sound yet. */
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

  /** Spreads the words over the time and returns those that end before `untilMs` and were not returned yet. */
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
