// Notices that the voice which serves falls silent, by what the caller still has to hear.
import type { Attempt } from '../../failover/attempt.ts';
import type { Clock } from '../../failover/clock.ts';
import type { TtsLink } from '../contract.ts';
import type { TtsLinkSession } from './link-session.ts';
import type { Playout } from './playout.ts';

/** Sound comes in pieces: a pause of this length between two of them is normal. */
const BETWEEN_MS = 200;
/** A voice that comes in bursts is late only after this many times the longest pause that it made in this piece of text. */
const BURSTS = 1.5;
/**
 * The caller may hear silence for this long before a voice has failed: vendors send at the speed of speech with jitter of some
 * 100 ms, or in bursts that are played out just before the next one.
 */
const GAP_MS = 160;
/** Least value of GAP_MS after earlier silence is subtracted from it: a voice that only trickles gets no more time. */
const NEXT_GAP_MS = 100;
/** Least wait after a sound until the first gap: the first pieces are small and soon played, which says little about a voice. */
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
  /** How long the caller has heard nothing while this piece of text was spoken. */
  #dryMs = 0;

  constructor(clock: Clock, playout: Playout) {
    this.#clock = clock;
    this.#playout = playout;
  }

  /** Call when another link session serves and its first sound has come. */
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

  /** Call when a piece of text was spoken to its end: what follows is new work. */
  spoken(): void {
    this.#pendAnew();
  }

  end(attempt: Attempt<TtsLink>): void {
    attempt.expectNothing();
  }

  /** Starts the attempt's timers for the work that is pending now. */
  watch({ isPending, attempt }: TtsLinkSession): void {
    if (isPending && !this.#wasPending) this.#pendAnew();
    this.#wasPending = isPending;
    if (!isPending) {
      attempt.expectNothing();
      return;
    }
    const nowMs = this.#clock.now();
    const failsInMs = this.#failsAtMs(attempt) - nowMs;
    attempt.expectNext(Math.max(0, failsInMs), Math.max(0, this.#lateAtMs(attempt) - nowMs));
  }

  /** How long a silent voice may stay silent before it has failed. */
  leftMs(attempt: Attempt<TtsLink>): number {
    return Math.max(0, this.#failsAtMs(attempt) - this.#clock.now());
  }

  /** When a standby session is started: the received sound is nearly played, and the voice was never silent for so long before. */
  #lateAtMs({ deadlines }: Attempt<TtsLink>): number {
    const lowAtMs = this.#playout.goneAtMs - deadlines.stallMs;
    const sinceMs = this.#isHeard
      ? this.#heardAtMs + Math.max(BETWEEN_MS, BURSTS * this.#longestMs)
      : this.#pendingSinceMs + deadlines.firstHelpMs;
    return Math.max(lowAtMs, sinceMs);
  }

  #failsAtMs({ deadlines }: Attempt<TtsLink>): number {
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
