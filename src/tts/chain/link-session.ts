// One provider at work on a reply from some place in its text on: what it is given, what it spoke, and whether it failed.
import { StreamResampler } from '../../audio/stream-resampler.ts';
import { levelDbfs } from '../../audio/voiced-spans.ts';
import type { Attempt } from '../../failover/attempt.ts';
import { ProviderError, type ProviderErrorKind, serverError } from '../../failover/provider-error.ts';
import type { Runner } from '../../failover/race.ts';
import type { TtsLink, TtsPart, TtsSession } from '../contract.ts';
import type { PlacedWord } from './playout.ts';
import { ClauseScan, isSpeakable, type ReplyText } from './reply-text.ts';
import { SpokenUnit } from './spoken-unit.ts';
import type { VoiceProfile } from './voice-profile.ts';

/** Speech that ends by itself fades out: its last END_MS are far quieter than this level. */
const LOUD_DBFS = -30;
const END_MS = 5;

const SENTENCE_END = /[.!?…]["'”’)]*$/;
const MOST_FLUSH_CHARS = 400;

export interface TtsLinkSessionOptions {
  readonly attempt: Attempt<TtsLink>;
  readonly reply: ReplyText;
  /** Where the link session starts: an index in the reply's text, and the number of its segment. */
  readonly from: number;
  readonly segment: number;
  readonly voice: string;
  readonly language: string;
  /** Rate to which the provider's sound is resampled. */
  readonly sampleRateHz: number;
  readonly profile: VoiceProfile;
}

/** Times are since the link session's first sample. */
export type TtsLinkSessionEvent =
  | { readonly type: 'audio'; readonly samples: Int16Array }
  | { readonly type: 'word'; readonly word: PlacedWord }
  /** All text up to index `to` is in the sound emitted so far. */
  | { readonly type: 'spoken'; readonly to: number };

export class TtsLinkSession implements Runner {
  readonly first: Promise<void>;
  readonly link: TtsLink;
  readonly attempt: Attempt<TtsLink>;
  /** Called after every change; set by the user of the link session. */
  onChange: () => void = () => undefined;
  readonly #options: TtsLinkSessionOptions;
  readonly #abort = new AbortController();
  readonly #scan: ClauseScan;
  readonly #units: SpokenUnit[] = [];
  readonly #resampler: StreamResampler | undefined;
  #session: TtsSession | undefined;
  #events: TtsLinkSessionEvent[] = [];
  #cursor: number;
  #segment: number;
  /** Index of the unit that is being spoken. */
  #speaking = 0;
  #audioMs = 0;
  #endsLoud = false;
  #isFed = false;
  #isOver = false;
  #error: ProviderError | undefined;
  #resolveFirst!: () => void;
  #rejectFirst!: (error: ProviderError) => void;

  constructor(options: TtsLinkSessionOptions) {
    this.#options = options;
    this.attempt = options.attempt;
    this.link = options.attempt.link;
    this.#cursor = options.from;
    this.#segment = options.segment;
    this.#scan = new ClauseScan(options.reply, options.from, options.segment);
    const rateHz = this.link.traits.sampleRateHz;
    if (rateHz !== options.sampleRateHz) this.#resampler = new StreamResampler(rateHz, options.sampleRateHz);
    this.first = new Promise((resolve, reject) => {
      this.#resolveFirst = resolve;
      this.#rejectFirst = reject;
    });
    this.attempt.onTimeout((error) => this.#fail(error));
    this.attempt.connecting();
    this.attempt.expectFirst();
    this.#open();
    this.feed();
  }

  get error(): ProviderError | undefined {
    return this.#error;
  }

  /** The link session takes no more text: all is spoken, or it failed or was cancelled. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isPending(): boolean {
    return !this.#isOver && (this.#units[this.#speaking]?.isPending ?? false);
  }

  /** Number of units spoken to their end. */
  get unitsSpoken(): number {
    return this.#speaking;
  }

  /** The unit being spoken, or the one in which the link session ended. */
  get unit(): SpokenUnit | undefined {
    return this.#units[this.#speaking];
  }

  get audioMs(): number {
    return this.#audioMs;
  }

  /** Returns the events since the last call. */
  take(): TtsLinkSessionEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Sends the provider what was written since the last call. */
  feed(): void {
    if (this.#isOver) return;
    this.#guard(() => {
      if (this.link.traits.wordTimes === 'none') this.#feedClauses();
      else this.#feedText();
      if (!this.#options.reply.ended || this.#isFed) return;
      this.#isFed = true;
      this.#session?.end();
    });
  }

  cancel(): void {
    this.#isOver = true;
    this.#abort.abort();
  }

  #open(): void {
    const { voice, language } = this.#options;
    this.#guard(() => {
      const signal = this.#abort.signal;
      this.#session = this.link.client.open({ voice, language, signal, onOpen: () => this.attempt.opened() });
      void this.#read(this.#session.parts);
    });
  }

  /**
   * Flushes after each clause, because only a flush's end tells what was spoken. Where the vendor limits flushes, only the first
   * clause, for which the caller waits, is flushed by itself, and later text by sentences.
   */
  #feedClauses(): void {
    const { reply } = this.#options;
    for (const clause of this.#scan.next()) {
      const last = this.#units.at(-1);
      const unit = last && last.to === undefined ? last : this.#begin(this.#cursor);
      unit.clause(clause, reply.text);
      this.#cursor = clause.to;
      this.#session?.write(reply.text.slice(clause.from, clause.to));
      if (this.#isWorthFlush(unit, clause.to)) this.#flushUnit(unit, clause.to);
    }
    const open = this.#units.at(-1);
    if (open && open.to === undefined && reply.endsSegmentBehind(this.#cursor)) this.#flushUnit(open, this.#cursor);
  }

  #isWorthFlush(unit: SpokenUnit, to: number): boolean {
    const { leastFlushChars } = this.link.traits;
    if (leastFlushChars === undefined || unit === this.#units[0]) return true;
    const said = this.#options.reply.text.slice(unit.from, to).trim();
    return (said.length >= leastFlushChars && SENTENCE_END.test(said)) || said.length >= MOST_FLUSH_CHARS;
  }

  #flushUnit(unit: SpokenUnit, to: number): void {
    unit.to = to;
    this.#session?.flush();
  }

  /** Sends text as it is written, with the caller's flushes; segments with nothing to speak are left out. */
  #feedText(): void {
    const { reply } = this.#options;
    for (;;) {
      const end = reply.segmentEnd(this.#segment);
      const piece = reply.text.slice(this.#cursor, end);
      let unit = this.#units.at(-1);
      if (!unit || unit.to !== undefined) unit = isSpeakable(piece) ? this.#begin(this.#cursor) : undefined;
      if (unit && piece !== '') this.#session?.write(piece);
      if (unit) this.#cursor += piece.length;
      this.#placeClauses();
      if (end === undefined) return;
      this.#cursor = end;
      this.#segment += 1;
      if (!unit) continue;
      unit.to = end;
      this.#session?.flush();
    }
  }

  #placeClauses(): void {
    for (const clause of this.#scan.next()) {
      const unit = this.#units.findLast(({ from }) => from <= clause.from);
      if (unit) this.#tell(unit.clause(clause, this.#options.reply.text));
    }
  }

  #begin(from: number): SpokenUnit {
    const { profile } = this.#options;
    const hasTimes = this.link.traits.wordTimes !== 'none';
    const unit = new SpokenUnit({ from, startMs: this.#audioMs, hasTimes, profile });
    this.#units.push(unit);
    return unit;
  }

  async #read(parts: AsyncIterable<TtsPart>): Promise<void> {
    try {
      for await (const part of parts) {
        if (this.#isOver) return;
        this.#hear(part);
      }
      if (!this.#isOver) this.#ended();
    } catch (error) {
      this.#fail(error);
    }
  }

  #hear(part: TtsPart): void {
    if (part.type === 'segment-end') {
      // A segment end that no flush asked for is ignored.
      if (this.unit?.to !== undefined) this.#unitEnded(this.unit);
    } else if (part.type === 'word') {
      this.#tell(this.unit?.hear(part) ?? []);
    } else if (part.samples.length > 0) {
      this.attempt.result();
      this.#sound(this.#resampler ? this.#resampler.push(part.samples) : part.samples);
      this.#resolveFirst();
    }
    this.onChange();
  }

  #sound(samples: Int16Array): void {
    if (samples.length === 0) return;
    const { sampleRateHz, profile } = this.#options;
    const ms = (samples.length * 1000) / sampleRateHz;
    profile.level.add(samples, sampleRateHz);
    this.#audioMs += ms;
    const end = Math.round((END_MS * sampleRateHz) / 1000);
    this.#endsLoud = levelDbfs(samples, Math.max(0, samples.length - end)) > LOUD_DBFS;
    this.#tell(this.unit?.grow(ms) ?? []);
    this.#events.push({ type: 'audio', samples });
  }

  #tell(words: readonly PlacedWord[]): void {
    for (const word of words) this.#events.push({ type: 'word', word });
  }

  /** @throws ProviderError where the sound is not all of its text */
  #unitEnded(unit: SpokenUnit): void {
    if (this.#resampler) this.#sound(this.#resampler.flush());
    this.#tell(unit.finish());
    if (unit.audioMs === 0) throw this.#failure('malformed', 'sent no sound for a text');
    if (unit.isCutShort(this.#endsLoud)) throw this.#failure('unreachable', 'ended before all was spoken');
    this.#options.profile.learn(unit.chars, unit.audioMs);
    this.#speaking += 1;
    const next = this.unit;
    if (next) next.startMs = this.#audioMs;
    this.#events.push({ type: 'spoken', to: unit.to ?? unit.from });
    if (this.#isFed && !next) this.#isOver = true;
  }

  /** The provider's parts ended. This is no failure if all given text is spoken, even if more is written later. */
  #ended(): void {
    const { unit } = this;
    if (unit?.to !== undefined) this.#unitEnded(unit);
    if (this.isPending) throw this.#failure('unreachable', 'ended before all was spoken');
    const rest = this.unit;
    if (rest && rest.audioMs > 0) {
      this.#tell(rest.finish());
      this.#events.push({ type: 'spoken', to: rest.words.at(-1)?.to ?? rest.from });
    }
    this.#isOver = true;
    this.onChange();
  }

  #failure(kind: ProviderErrorKind, words: string): ProviderError {
    const provider = this.link.id;
    return new ProviderError({ kind, provider, message: `${provider}: ${words}` });
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(cause: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // The resampler may still hold sound that the provider sent.
    if (this.#resampler) this.#sound(this.#resampler.flush());
    this.#error = serverError(this.link.id, cause);
    this.#rejectFirst(this.#error);
    this.#abort.abort();
    this.onChange();
  }
}
