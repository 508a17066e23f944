// How many calls this worker takes: a place is taken before a call is accepted, so that many at once get no more than there are.
import type { JobRequest } from '@livekit/agents';
import { type Clock, within } from '../failover/clock.ts';

export interface AdmissionOptions {
  readonly maxCalls: number;
  /** Calls whose processes run now. */
  readonly running: () => number;
  readonly clock: Clock;
  /** A call that the LiveKit server offered was left to other workers. */
  readonly onRefused: (room: string) => void;
}

/** The server assigns an accepted call at once, or never; where many come at once each waits for a process to be loaded. */
const RUNNING_WITHIN_MS = 120_000;
/** Whoever was let into a room joins it within this, or the place is another's. */
const JOINED_WITHIN_MS = 15_000;

export class Admission {
  readonly #options: AdmissionOptions;
  /** Accepted, and not running yet. */
  #accepted = 0;
  /** By room: let in by a token, and not offered by the server yet. */
  readonly #expected = new Map<string, () => void>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#taken >= this.#options.maxCalls;
  }

  /** For a caller who is given a token to the room. @returns whether there was a place */
  expect(room: string): boolean {
    if (this.#expected.has(room)) return true;
    if (this.isFull) return false;
    const cancel = this.#options.clock.setTimeout(() => this.#expected.delete(room), JOINED_WITHIN_MS);
    this.#expected.set(room, cancel);
    return true;
  }

  /** As the worker's `requestFunc`. */
  async request(job: JobRequest): Promise<void> {
    const room = job.room?.name ?? '';
    this.#arrived(room);
    if (this.isFull) {
      this.#options.onRefused(room);
      await job.reject();
      return;
    }
    this.#accepted += 1;
    const accepted = job.accept();
    try {
      await within(this.#options.clock, RUNNING_WITHIN_MS, accepted);
    } finally {
      this.#accepted -= 1;
    }
    await accepted;
  }

  get #taken(): number {
    return this.#options.running() + this.#accepted + this.#expected.size;
  }

  #arrived(room: string): void {
    this.#expected.get(room)?.();
    this.#expected.delete(room);
  }
}
