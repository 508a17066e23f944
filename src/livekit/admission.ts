// How many calls this worker takes: a place is taken before a call is accepted, so that many at once get no more than there are.
import type { JobRequest } from '@livekit/agents';
import type { Clock } from '../failover/clock.ts';

export interface RunningCall {
  readonly jobId: string;
  readonly room: string;
}

export interface AdmissionOptions {
  readonly maxCalls: number;
  /** Calls that have a process now. */
  readonly running: () => readonly RunningCall[];
  readonly clock: Clock;
  /** A call that the LiveKit server offered was left to other workers. */
  readonly onRefused: (room: string) => void;
}

/**
 * How long an accepted call keeps its place until it runs. The server assigns it at once, or never; where many come at once, each
 * waits for a process to be loaded.
 */
const RUNNING_WITHIN_MS = 120_000;
/** LiveKit tells nothing when a call starts: one that ends between two looks would keep its place. */
const LOOK_EVERY_MS = 250;
/** How long the place of a caller with a token is kept for them to join the room. */
const JOINED_WITHIN_MS = 15_000;

export class Admission {
  readonly #options: AdmissionOptions;
  /** By job id: accepted, and not seen running yet. LiveKit's `accept` returns before the call has a process. */
  readonly #accepted = new Map<string, () => void>();
  /** By room: let in by a token, and not offered by the server yet. */
  readonly #expected = new Map<string, () => void>();
  #cancelLook: () => void = () => undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#calls + this.#expected.size >= this.#options.maxCalls;
  }

  /** Calls hold all places. Before, the server must go on offering: the places kept for tokens are for calls that it has yet to offer. */
  get hasAllCalls(): boolean {
    return this.#calls >= this.#options.maxCalls;
  }

  /** For a caller who is given a token to the room. @returns whether there was a place */
  expect(room: string): boolean {
    if (this.#options.running().some((call) => call.room === room)) return true;
    if (!this.#expected.has(room) && this.isFull) return false;
    this.#keep(this.#expected, room, JOINED_WITHIN_MS);
    return true;
  }

  /** As the worker's `requestFunc`. */
  async request(job: JobRequest): Promise<void> {
    const room = job.room?.name ?? '';
    release(this.#expected, room);
    // Offered again, after the connection to the server was lost.
    release(this.#accepted, job.id);
    if (this.isFull) {
      this.#options.onRefused(room);
      await job.reject();
      return;
    }
    // Processes are loaded one after another.
    this.#keep(this.#accepted, job.id, RUNNING_WITHIN_MS * (this.#accepted.size + 1));
    this.#look();
    await job.accept();
  }

  /** Calls that were accepted and have no process yet. */
  get starting(): number {
    for (const { jobId } of this.#options.running()) release(this.#accepted, jobId);
    return this.#accepted.size;
  }

  get #calls(): number {
    return this.starting + this.#options.running().length;
  }

  #look(): void {
    this.#cancelLook();
    if (this.starting > 0) this.#cancelLook = this.#options.clock.setTimeout(() => this.#look(), LOOK_EVERY_MS);
  }

  #keep(places: Map<string, () => void>, key: string, ms: number): void {
    release(places, key);
    places.set(
      key,
      this.#options.clock.setTimeout(() => places.delete(key), ms),
    );
  }
}

function release(places: Map<string, () => void>, key: string): void {
  places.get(key)?.();
  places.delete(key);
}
