// Stops a storm between links that fail in turn: within one turn each may fail twice, and only so many are opened.

const FAILURES = 2;
const OPENINGS = 5;

/** Attempts and failures of a turn so far. A turn is the time between two complete results: a final transcript, a reply. */
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

  /** Call when another turn begins, or another round of attempts after all links failed and a wait. */
  startOver(): void {
    this.#failures = new Map();
    this.#openings = 0;
  }
}
