// How many calls this worker takes: a place is taken before a call is accepted, so that many at once get no more than there are.
import type { JobRequest } from '@livekit/agents';
import type { Clock } from '../failover/clock.ts';

export interface AdmissionOptions {
  readonly maxCalls: number;
  /** Ids of the jobs that have a call process now. */
  readonly running: () => readonly string[];
  readonly clock: Clock;
  /** A call that the LiveKit server offered was left to other workers. */
  readonly onRefused: (room: string) => void;
}

/**
 * How long an accepted call keeps its place until it runs. The server assigns it at once, or never; where many come at once, each
 * waits for a process to be loaded.
 */
const RUNNING_WITHIN_MS = 120_000;
/** How long the place of a caller with a token is kept for them to join the room. */
const JOINED_WITHIN_MS = 15_000;

export class Admission {
  readonly #options: AdmissionOptions;
  /** By job id: accepted, and not seen running yet. LiveKit's `accept` returns before the call has a process. */
  readonly #accepted = new Map<string, () => void>();
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
    this.#keep(this.#expected, room, JOINED_WITHIN_MS);
    return true;
  }

  /** As the worker's `requestFunc`. */
  async request(job: JobRequest): Promise<void> {
    const room = job.room?.name ?? '';
    release(this.#expected, room);
    if (this.isFull) {
      this.#options.onRefused(room);
      await job.reject();
      return;
    }
    this.#keep(this.#accepted, job.id, RUNNING_WITHIN_MS);
    await job.accept();
  }

  get #taken(): number {
    const running = this.#options.running();
    for (const id of running) release(this.#accepted, id);
    return running.length + this.#accepted.size + this.#expected.size;
  }

  #keep(places: Map<string, () => void>, key: string, ms: number): void {
    places.get(key)?.();
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
