// One board for the health of all providers: what one call meets, every other call knows.
import { type Clock, systemClock } from './clock.ts';
import { type Admission, type Health, type Outcome, ProviderHealth } from './health.ts';
import { DEFAULT_FAILOVER, type FailoverSettings } from './settings.ts';

/** Ids are `stage/provider`, with `#fingerprint` of the key for what concerns the key alone. */
export interface HealthBoard {
  health(id: string): Health;
  /** What `admit` would say. Neither ever waits for another process. */
  peek(id: string): Admission | undefined;
  /** Whether a call may be made now; its outcome must be reported. */
  admit(id: string): Admission | undefined;
  report(id: string, outcome: Outcome): void;
  /** Called after each change but of mere latencies; the result takes it back. */
  onChange(listener: (id: string, health: Health) => void): () => void;
}

/** The board of one process: the authority for the worker, or all that a single process needs. */
export class MemoryHealthBoard implements HealthBoard {
  readonly #settings: FailoverSettings;
  readonly #clock: Clock;
  readonly #providers = new Map<string, ProviderHealth>();
  readonly #listeners = new Set<(id: string, health: Health) => void>();

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
  }

  /** What another board knows takes the place of what this one does. */
  restore(id: string, health: Health): void {
    const before = this.#of(id).snapshot();
    this.#of(id).restore(health);
    if (isChanged(before, health)) this.#tell(id, this.#of(id).snapshot());
  }

  /** Every provider that was ever asked for or reported. */
  all(): ReadonlyMap<string, Health> {
    return new Map([...this.#providers].map(([id, provider]) => [id, provider.snapshot()]));
  }

  onChange(listener: (id: string, health: Health) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #of(id: string): ProviderHealth {
    let provider = this.#providers.get(id);
    if (!provider) {
      provider = new ProviderHealth(this.#settings, this.#clock);
      this.#providers.set(id, provider);
    }
    return provider;
  }

  #tell(id: string, health: Health): void {
    for (const listener of [...this.#listeners]) listener(id, health);
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

let ofThisProcess: MemoryHealthBoard | undefined;

/** The board that chains use where none is given: one for all calls of the process. */
export function processHealthBoard(): HealthBoard {
  ofThisProcess ??= new MemoryHealthBoard();
  return ofThisProcess;
}
