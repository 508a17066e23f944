// A vendor's models in the order in which they are asked for: the next one where one is gone.

export class ModelChain {
  readonly #models: readonly string[];
  #left = 0;

  /** @param wanted asked for first, where given; the usual ones stand behind it */
  constructor(wanted: string | undefined, usual: readonly [string, ...string[]]) {
    this.#models = [...new Set([wanted || usual[0], ...usual])];
  }

  get current(): string {
    return this.#models[this.#left] as string;
  }

  /** Call when the vendor no longer has the model. @returns whether there is another */
  leave(model: string): boolean {
    if (model !== this.current) return true;
    if (this.#left + 1 === this.#models.length) return false;
    this.#left += 1;
    return true;
  }
}
