// Notices that the voice which serves falls silent, by what the caller still has to hear.
import type { Attempt } from '../../failover/attempt.ts';
import type { Clock } from '../../failover/clock.ts';
import type { TtsLink } from '../contract.ts';
import type { TtsLinkSession } from './link-session.ts';
import type { Playout } from './playout.ts';

/** Sound comes in pieces: so long between two of them is nothing. */
const BETWEEN_MS = 200;
/** A voice that comes in bursts is late only after so many times the longest pause that it made in this piece. */
const BURSTS = 1.5;
/**
 * The caller may run dry for so long before a voice is judged: vendors send at the speed of speech with jitter of some 100 ms, or
 * in bursts that end just before the next.
 */
const GAP_MS = 160;
/** And for so long where it ran dry before: a voice that only trickles has used up its patience. */
const NEXT_GAP_MS = 100;
/** The first pieces are small: what is played in a moment says little of a voice. */
const YOUNG_MS = 350;

export class StallWatch {
  readonly #clock: Clock;
  readonly #playout: Playout;
  #wasPending = false;
  #pendingSinceMs = 0;
  #isHeard = false;
  #heardAtMs = 0;
  #goneAtMs = 0;
  #longestMs = 0;
  /** For so long the caller heard nothing while this piece was spoken. */
  #dryMs = 0;

  constructor(clock: Clock, playout: Playout) {
    this.#clock = clock;
    this.#playout = playout;
  }

  /** Another voice serves; its first sound is there. */
  begin(): void {
    this.#pendAnew();
    this.#wasPending = true;
  }

  heard(): void {
    const nowMs = this.#clock.now();
    if (this.#isHeard) {
      this.#longestMs = Math.max(this.#longestMs, nowMs - this.#heardAtMs);
      this.#dryMs += Math.max(0, nowMs - this.#goneAtMs);
    }
    this.#isHeard = true;
    this.#heardAtMs = nowMs;
    this.#goneAtMs = this.#playout.goneAtMs;
  }

  /** A piece was spoken to its end: what follows is new work. */
  spoken(): void {
    this.#pendAnew();
  }

  end(attempt: Attempt<TtsLink>): void {
    attempt.expectNothing();
  }

  /** Arms the source's waits for the work that is pending now. */
  watch({ isPending, attempt }: TtsLinkSession): void {
    if (isPending && !this.#wasPending) this.#pendAnew();
    this.#wasPending = isPending;
    if (!isPending) {
      attempt.expectNothing();
      return;
    }
    const nowMs = this.#clock.now();
    const judgedMs = this.#judgedAtMs(attempt) - nowMs;
    attempt.expectNext(Math.max(0, judgedMs), Math.max(0, this.#lateAtMs(attempt) - nowMs));
  }

  /** How long a voice that is silent may still be so. */
  leftMs(attempt: Attempt<TtsLink>): number {
    return Math.max(0, this.#judgedAtMs(attempt) - this.#clock.now());
  }

  /** Another is started beside it: what came is nearly played, and it was silent for longer than it ever was. */
  #lateAtMs({ deadlines }: Attempt<TtsLink>): number {
    const lowAtMs = this.#playout.goneAtMs - deadlines.stallMs;
    const sinceMs = this.#isHeard
      ? this.#heardAtMs + Math.max(BETWEEN_MS, BURSTS * this.#longestMs)
      : this.#pendingSinceMs + deadlines.firstHelpMs;
    return Math.max(lowAtMs, sinceMs);
  }

  #judgedAtMs({ deadlines }: Attempt<TtsLink>): number {
    if (!this.#isHeard) {
      return Math.max(this.#playout.goneAtMs - deadlines.stallMs, this.#pendingSinceMs + deadlines.firstMs);
    }
    const gapMs = Math.max(NEXT_GAP_MS, GAP_MS - this.#dryMs);
    const youngMs = this.#dryMs > 0 ? 0 : YOUNG_MS;
    return Math.max(this.#playout.goneAtMs + gapMs, this.#heardAtMs + youngMs);
  }

  #pendAnew(): void {
    this.#pendingSinceMs = this.#clock.now();
    this.#isHeard = false;
    this.#longestMs = 0;
    this.#dryMs = 0;
  }
}
