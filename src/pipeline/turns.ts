// When a turn of the caller is over, and what was said in it: from voice activity and a recogniser's words, in audio time.
import { type Clock, systemClock } from '../failover/clock.ts';

export interface CallerTurn {
  readonly itemId: string;
  readonly transcript: string;
  /** 0 to 1, where the recogniser gives one. */
  readonly confidence: number | undefined;
  /** Whether `commit` ended the turn: then no reply is expected to follow by itself. */
  readonly isCommitted: boolean;
}

export interface TurnEvents {
  onSpeechStart(): void;
  onSpeechStop(): void;
  /** The recogniser should finalise what was said up to here. */
  onPause(): void;
  /** All words of the turn so far. */
  onInterim(itemId: string, transcript: string): void;
  onTurn(turn: CallerTurn): void;
  /** A voice was detected, but no words came. */
  onNothing(): void;
}

/** Wait for final words after the silence that ends a turn: later ones come too late for it. */
const FINAL_WORDS_MS = 1_200;
/** A recogniser's last word ends at most this much earlier than the voice. */
const EARLY_END_MS = 500;
/** Words that come more than this after a voice do not belong to it. */
const LATE_WORDS_MS = 3_000;

interface FinalWords {
  readonly text: string;
  /** End of the words in audio time, where the recogniser gives it. */
  readonly endMs: number | undefined;
  readonly confidence: number;
}

/**
 * A turn ends when the voice was silent for `endSilenceMs` and its final words have come; without a voice, `endSilenceMs` of audio
 * after the last words. A voice without words is no turn. Words that come after their turn's end make a turn of their own.
 */
export class PipelineTurns {
  readonly #endSilenceMs: number;
  readonly #events: TurnEvents;
  readonly #clock: Clock;
  #itemId = newItemId();
  #finals: FinalWords[] = [];
  #interim = '';
  /** Words of an unfinished segment that went out with the last turn: the segment's final words repeat them. */
  #given: string[] = [];
  #atMs = 0;
  #isSpeaking = false;
  #isStartTold = false;
  #hasVoice = false;
  #isQuiet = false;
  #speechEndMs = 0;
  #wordsAtMs = 0;
  #stopWaiting: (() => void) | undefined;
  #committed: (() => void) | undefined;
  #finalsBeforeCommit = 0;

  constructor(endSilenceMs: number, events: TurnEvents, clock: Clock = systemClock) {
    this.#endSilenceMs = endSilenceMs;
    this.#events = events;
    this.#clock = clock;
  }

  /** Whether the caller speaks, or said something that is in no turn yet. */
  get isOpen(): boolean {
    return this.#isSpeaking || this.#isStartTold || this.#hasWords;
  }

  speechStarted(): void {
    this.#isSpeaking = true;
    this.#hasVoice = true;
    this.#isQuiet = false;
    if (!this.#committed) this.#stopTimer();
    this.#tellStart();
  }

  /** @param endedAtMs in audio time; before now by the silence that it took to tell */
  speechEnded(endedAtMs: number): void {
    this.#isSpeaking = false;
    this.#speechEndMs = endedAtMs;
    this.#events.onPause();
    this.#check();
  }

  /** Call when the recogniser has the audio up to `atMs`. */
  heard(atMs: number): void {
    this.#atMs = atMs;
    if (!this.#isSpeaking && this.isOpen) this.#check();
  }

  /** Takes interim words, which restate the whole segment since the last final words. */
  interim(text: string): void {
    this.#interim = this.#withoutGiven(text);
    if (this.#interim === '') return;
    this.#noteWords();
    this.#events.onInterim(this.#itemId, this.#transcript);
    this.#check();
  }

  final(words: FinalWords): void {
    const text = this.#withoutGiven(words.text);
    this.#interim = '';
    this.#given = [];
    if (text !== '') {
      this.#noteWords();
      this.#finals.push({ ...words, text });
      this.#events.onInterim(this.#itemId, this.#transcript);
    }
    this.#check();
  }

  /** Call when another recogniser listens from now on: it will not repeat what the last one began, so those words are kept. */
  segmentLost(): void {
    this.#given = [];
    if (this.#interim === '') return;
    this.#finals.push({ text: this.#interim, endMs: undefined, confidence: 0 });
    this.#interim = '';
  }

  /** Ends the turn here; resolves when its words are reported, or none came in time. */
  commit(): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#committed;
      this.#committed = () => {
        before?.();
        resolve();
      };
      this.#finalsBeforeCommit = this.#finals.length;
      this.#events.onPause();
      this.#awaitWords();
    });
  }

  /** Forgets what was said since the last turn. */
  clear(): void {
    this.#isSpeaking = false;
    this.#given = [];
    this.#reset();
    this.#tellStop();
    this.#resolveCommit();
  }

  get #hasWords(): boolean {
    return this.#finals.length > 0 || this.#interim !== '';
  }

  get #transcript(): string {
    return [...this.#finals.map(({ text }) => text), this.#interim].join(' ').trim();
  }

  #noteWords(): void {
    this.#wordsAtMs = this.#atMs;
    if (!this.#isSpeaking && this.#atMs - this.#speechEndMs > LATE_WORDS_MS) this.#hasVoice = false;
  }

  #check(): void {
    if (this.#committed) {
      if (this.#interim === '' && this.#finals.length > this.#finalsBeforeCommit) this.#end();
      return;
    }
    if (this.#isSpeaking || !this.isOpen) return;
    const sinceMs = this.#atMs - (this.#hasVoice ? this.#speechEndMs : this.#wordsAtMs);
    if (sinceMs < this.#endSilenceMs) return;
    if (!this.#isQuiet) {
      this.#isQuiet = true;
      if (!this.#hasVoice && this.#interim !== '') this.#events.onPause();
      this.#tellStop();
    }
    if (this.#isSettled()) this.#end();
    else this.#awaitWords();
  }

  /** Whether the final words reach the end of the voice. */
  #isSettled(): boolean {
    if (this.#interim !== '' || this.#finals.length === 0) return false;
    if (!this.#hasVoice) return true;
    const endMs = this.#finals.at(-1)?.endMs;
    return endMs === undefined ? this.#wordsAtMs >= this.#speechEndMs : endMs >= this.#speechEndMs - EARLY_END_MS;
  }

  #awaitWords(): void {
    this.#stopWaiting ??= this.#clock.setTimeout(() => this.#end(), FINAL_WORDS_MS);
  }

  #end(): void {
    const [transcript, itemId, isCommitted] = [this.#transcript, this.#itemId, this.#committed !== undefined];
    const confidence = meanOf(this.#finals.map((final) => final.confidence).filter((value) => value > 0));
    // The caller's words interrupt the agent, whether or not a voice was detected.
    if (transcript !== '' && !this.#hasVoice) this.#tellStart();
    const given = wordsOf(this.#interim);
    this.#reset();
    if (given.length > 0) this.#given = given;
    this.#tellStop();
    if (transcript !== '') this.#events.onTurn({ itemId, transcript, confidence, isCommitted });
    else if (!isCommitted) this.#events.onNothing();
    this.#resolveCommit();
  }

  #reset(): void {
    this.#stopTimer();
    this.#itemId = newItemId();
    this.#finals = [];
    this.#interim = '';
    this.#hasVoice = this.#isSpeaking;
    this.#isQuiet = false;
  }

  /** Drops as many first words as went out with the last turn, even if the recogniser has corrected them since. */
  #withoutGiven(text: string): string {
    return this.#given.length === 0 ? text.trim() : wordsOf(text).slice(this.#given.length).join(' ');
  }

  #tellStart(): void {
    if (this.#isStartTold) return;
    this.#isStartTold = true;
    this.#events.onSpeechStart();
  }

  #tellStop(): void {
    if (!this.#isStartTold) return;
    this.#isStartTold = false;
    this.#events.onSpeechStop();
  }

  #stopTimer(): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }

  #resolveCommit(): void {
    const resolve = this.#committed;
    this.#committed = undefined;
    resolve?.();
  }
}

function newItemId(): string {
  return `item_${crypto.randomUUID()}`;
}

function wordsOf(text: string): string[] {
  return text.match(/\S+/g) ?? [];
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
