// One board for the health of all providers: what one call meets, every other call knows.
import type { BreakerState } from '../failover/breaker.ts';
import { type Clock, systemClock } from '../failover/clock.ts';
import { type Admission, type Health, type Outcome, ProviderHealth } from '../failover/health.ts';
import type { HealthBoard } from '../failover/health-board.ts';
import { DEFAULT_FAILOVER, type FailoverSettings } from '../failover/settings.ts';
import { Loads } from './loads.ts';

/** The board of one process: in the parent the authority for the whole worker, or all that a single process needs. */
export class MemoryHealthBoard implements HealthBoard {
  /** Attempts under way in this process, and in others that report them. */
  readonly loads = new Loads();
  readonly #settings: FailoverSettings;
  readonly #clock: Clock;
  readonly #providers = new Map<string, ProviderHealth>();
  readonly #listeners = new Set<(id: string, health: Health) => void>();
  readonly #measureListeners = new Set<(id: string) => void>();

  constructor(settings: FailoverSettings = DEFAULT_FAILOVER, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  health(id: string): Health {
    return this.#of(id).snapshot();
  }

  peek(id: string): Admission | undefined {
    return this.#of(id).peek();
  }

  admit(id: string): Admission | undefined {
    return this.#of(id).admit();
  }

  report(id: string, outcome: Outcome): void {
    const provider = this.#of(id);
    const before = provider.snapshot();
    provider.report(outcome);
    const after = provider.snapshot();
    if (isChanged(before, after)) this.#tell(id, after);
    else for (const listener of [...this.#measureListeners]) guarded(() => listener(id));
  }

  load(id: string): number {
    return this.loads.total(id);
  }

  occupy(id: string): () => void {
    this.loads.add(this, id, 1);
    return () => this.loads.add(this, id, -1);
  }

  /** Replaces what this board knows of the provider by what another board knows. */
  restore(id: string, health: Health): void {
    const before = this.#of(id).snapshot();
    this.#of(id).restore(health);
    if (isOther(before, health)) this.#tell(id, this.#of(id).snapshot());
  }

  /** Forgets all about the provider: it is another service than before. */
  forget(id: string): void {
    this.restore(id, new ProviderHealth(this.#settings, this.#clock).snapshot());
  }

  /** Every provider that was ever asked for or reported. */
  all(): ReadonlyMap<string, Health> {
    return new Map([...this.#providers].map(([id, provider]) => [id, provider.snapshot()]));
  }

  onChange(listener: (id: string, health: Health) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `listener` is called after reports that changed only latencies or the time of a check; the returned function removes it. */
  onMeasure(listener: (id: string) => void): () => void {
    this.#measureListeners.add(listener);
    return () => this.#measureListeners.delete(listener);
  }

  #of(id: string): ProviderHealth {
    let provider = this.#providers.get(id);
    if (!provider) {
      provider = new ProviderHealth(this.#settings, this.#clock);
      this.#providers.set(id, provider);
    }
    return provider;
  }

  /** A listener that throws stops neither the board nor the process. */
  #tell(id: string, health: Health): void {
    for (const listener of [...this.#listeners]) guarded(() => listener(id, health));
  }
}

function guarded(listen: () => void): void {
  try {
    listen();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}

function isChanged(before: Health, after: Health): boolean {
  return (
    before.failuresInRow !== after.failuresInRow ||
    before.breaker !== after.breaker ||
    before.suspect !== after.suspect ||
    before.blocked !== after.blocked ||
    before.lastFailure !== after.lastFailure
  );
}

/** How much the times of a state may shift on their way between processes. */
const SAME_MS = 100;

/** Whether a state from elsewhere differs; times that merely shifted on the way are no difference. */
function isOther(before: Health, after: Health): boolean {
  const sameTime = (a: number | undefined, b: number | undefined) =>
    a === b || (a !== undefined && b !== undefined && Math.abs(a - b) < SAME_MS);
  const isSame =
    before.failuresInRow === after.failuresInRow &&
    isSameBreaker(before.breaker, after.breaker, sameTime) &&
    before.suspect?.trials === after.suspect?.trials &&
    sameTime(before.suspect?.untilMs, after.suspect?.untilMs) &&
    before.blocked?.kind === after.blocked?.kind &&
    sameTime(before.blocked?.untilMs, after.blocked?.untilMs) &&
    before.lastFailure?.message === after.lastFailure?.message &&
    sameTime(before.lastFailure?.atMs, after.lastFailure?.atMs);
  return !isSame;
}

function isSameBreaker(a: BreakerState, b: BreakerState, sameTime: (a: number, b: number) => boolean): boolean {
  if (a.kind === 'open') return b.kind === 'open' && sameTime(a.untilMs, b.untilMs);
  if (a.kind === 'closed') return b.kind === 'closed' && a.failures === b.failures;
  return b.kind === 'half-open' && a.trials === b.trials && a.successes === b.successes;
}

let ofThisProcess: MemoryHealthBoard | undefined;

/** The board of a chain: the given one, or one for all calls of the process. */
export function boardOf({ board }: { readonly board?: HealthBoard }): HealthBoard {
  if (board) return board;
  ofThisProcess ??= new MemoryHealthBoard();
  return ofThisProcess;
}
