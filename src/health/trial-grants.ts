// The trials that one call process was granted: they return with their outcome, unused, or when the process ends.
import type { Clock } from '../failover/clock.ts';
import type { Outcome } from '../failover/health.ts';
import type { HealthBoard } from '../failover/health-board.ts';

/** How long after its request a client may use a grant: as long as a caller may take until the next turn. */
export const GRANT_UNUSED_MS = 60_000;
/** For clients that hang. Later than a client returns a grant by itself, so that a grant in use is never taken back. */
const UNUSED_TAKEN_BACK_MS = 65_000;
/** No first result takes this long: the outcome got lost. */
const USED_TAKEN_BACK_MS = 120_000;

interface Grant {
  isUsed: boolean;
  cancelExpiry: () => void;
}

export class TrialGrants {
  readonly #board: HealthBoard;
  readonly #clock: Clock;
  readonly #grants = new Map<string, Set<Grant>>();

  constructor(board: HealthBoard, clock: Clock) {
    this.#board = board;
    this.#clock = clock;
  }

  /** Whether a trial may be made; it then counts as under way. */
  ask(id: string): boolean {
    if (this.#find(id, false)) return true;
    // A ready provider needs no trial, and its call is not counted.
    if (this.#board.peek(id) !== 'trial' || this.#board.admit(id) !== 'trial') return false;
    const grant: Grant = { isUsed: false, cancelExpiry: () => undefined };
    this.#expireAfter(id, grant, UNUSED_TAKEN_BACK_MS);
    const grants = this.#grants.get(id) ?? new Set();
    this.#grants.set(id, grants.add(grant));
    return true;
  }

  use(id: string): void {
    const grant = this.#find(id, false);
    if (!grant) return;
    grant.isUsed = true;
    this.#expireAfter(id, grant, USED_TAKEN_BACK_MS);
  }

  /** Returns an unused grant. */
  giveBack(id: string): void {
    const grant = this.#find(id, false);
    if (grant) this.#release(id, grant);
  }

  /** The outcome to report to the board: it frees a trial's place only once. */
  settle(id: string, outcome: Outcome): Outcome {
    if (!('trial' in outcome) || !outcome.trial) return outcome;
    const grant = this.#find(id, true);
    if (!grant) return { ...outcome, trial: false };
    this.#forget(id, grant);
    return outcome;
  }

  releaseAll(): void {
    for (const [id, grants] of [...this.#grants]) for (const grant of [...grants]) this.#release(id, grant);
  }

  #find(id: string, isUsed: boolean): Grant | undefined {
    return [...(this.#grants.get(id) ?? [])].find((grant) => grant.isUsed === isUsed);
  }

  #expireAfter(id: string, grant: Grant, ms: number): void {
    grant.cancelExpiry();
    grant.cancelExpiry = this.#clock.setTimeout(() => this.#release(id, grant), ms);
  }

  #release(id: string, grant: Grant): void {
    this.#forget(id, grant);
    this.#board.report(id, { type: 'release', trial: true });
  }

  #forget(id: string, grant: Grant): void {
    grant.cancelExpiry();
    const grants = this.#grants.get(id);
    grants?.delete(grant);
    if (grants?.size === 0) this.#grants.delete(id);
  }
}
