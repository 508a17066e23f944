// Stops a storm between links that fail in turn: within one turn each may fail twice, and only so many are opened.

const FAILURES = 2;
const OPENINGS = 5;

/** What a turn has cost so far. A turn is the time between two results that were complete: a final, a reply. */
export class TurnOpenings<Link> {
  #failures = new Map<Link, number>();
  #openings = 0;

  opened(): void {
    this.#openings += 1;
  }

  failed(link: Link): void {
    this.#failures.set(link, (this.#failures.get(link) ?? 0) + 1);
  }

  /** Whether the link may be opened in this turn. */
  allows(link: Link): boolean {
    return this.#openings < OPENINGS && (this.#failures.get(link) ?? 0) < FAILURES;
  }

  /** Another turn begins, or, after everybody failed and a wait, another round of attempts. */
  startOver(): void {
    this.#failures = new Map();
    this.#openings = 0;
  }
}
