// Notices that the voice which serves falls silent, by what the caller still has to hear.
import type { Attempt } from '../failover/attempt.ts';
import type { Clock } from '../failover/clock.ts';
import type { TtsLink } from './chain.ts';
import type { Playout } from './playout.ts';
import type { VoiceSource } from './voice-source.ts';

/** A voice that was so far ahead is quicker than it is heard: when it lets the caller run dry, it has stopped. */
const AHEAD_MS = 250;
/** Sound comes in pieces: while a reply is young, so long between two of them is nothing. */
const BETWEEN_MS = 200;
/** One that never was ahead, or never quite stops, is given the benefit of a gap. */
const GAP_MS = 150;

export class StallWatch {
  readonly #clock: Clock;
  readonly #playout: Playout;
  #wasPending = false;
  #pendingSinceMs = 0;
  #isHeard = false;
  #isAhead = false;
  #heardAtMs = 0;

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
    this.#isHeard = true;
    this.#heardAtMs = this.#clock.now();
    if (this.#goneAtMs - this.#heardAtMs >= AHEAD_MS) this.#isAhead = true;
  }

  /** A piece was spoken to its end: what follows is new work. */
  spoken(): void {
    this.#pendAnew();
  }

  end(attempt: Attempt<TtsLink>): void {
    attempt.expectNothing();
  }

  /** Arms the source's deadline for the work that is pending now. */
  watch({ isPending, attempt }: VoiceSource): void {
    if (isPending && !this.#wasPending) this.#pendAnew();
    this.#wasPending = isPending;
    if (isPending) attempt.expectNext(Math.max(0, this.#dueMs(attempt) - this.#clock.now()));
    else attempt.expectNothing();
  }

  /** When nothing is left to hear, not even what is held. */
  get #goneAtMs(): number {
    const { dryAtMs, handedMs, receivedMs } = this.#playout;
    return dryAtMs + receivedMs - handedMs;
  }

  #dueMs({ deadlines }: Attempt<TtsLink>): number {
    const lowAtMs = this.#playout.dryAtMs - deadlines.stallMs;
    if (!this.#isHeard) return Math.max(lowAtMs, this.#pendingSinceMs + deadlines.firstMs);
    const lateMs = this.#goneAtMs + GAP_MS;
    return this.#isAhead ? Math.min(lateMs, Math.max(lowAtMs, this.#heardAtMs + BETWEEN_MS)) : lateMs;
  }

  #pendAnew(): void {
    this.#pendingSinceMs = this.#clock.now();
    this.#isHeard = false;
    this.#isAhead = false;
  }
}
