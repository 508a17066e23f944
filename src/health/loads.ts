// How many attempts are under way at each provider, by who makes them.

export class Loads {
  readonly #bySource = new Map<unknown, Map<string, number>>();

  /** Sets how many attempts one source has under way at a provider; 0 removes the entry. */
  set(source: unknown, id: string, count: number): void {
    const counts = this.#bySource.get(source) ?? new Map<string, number>();
    if (count > 0) this.#bySource.set(source, counts.set(id, count));
    else counts.delete(id);
  }

  /** @returns what the source then has under way */
  add(source: unknown, id: string, by: number): number {
    const count = (this.#bySource.get(source)?.get(id) ?? 0) + by;
    this.set(source, id, count);
    return count;
  }

  of(source: unknown): ReadonlyMap<string, number> {
    return this.#bySource.get(source) ?? new Map();
  }

  /** @returns what the source had under way */
  drop(source: unknown): ReadonlyMap<string, number> {
    const counts = this.of(source);
    this.#bySource.delete(source);
    return counts;
  }

  /** Attempts under way at a provider, of all sources but one. */
  total(id: string, except?: unknown): number {
    let sum = 0;
    for (const [source, counts] of this.#bySource) if (source !== except) sum += counts.get(id) ?? 0;
    return sum;
  }

  get ids(): Set<string> {
    return new Set([...this.#bySource.values()].flatMap((counts) => [...counts.keys()]));
  }
}
