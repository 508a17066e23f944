// Which words were lost and which came more than they were due, where both have an order and some need not have come.

export interface DueWord {
  readonly word: number;
  /** The word belongs to an interrupted reply, or to a turn in which the caller hung up: it need not have come. */
  readonly isOptional?: boolean;
}

export interface WordCounts {
  readonly due: number;
  readonly lost: number;
  /** Words besides those that were due: said again, or out of their place. */
  readonly twice: number;
}

export const NO_WORDS: WordCounts = { due: 0, lost: 0, twice: 0 };

export const dueWords = (words: readonly number[], isOptional = false): DueWord[] =>
  words.map((word) => ({ word, isOptional }));

/** Uses the alignment that loses the fewest words, and among those the one that leaves the fewest words over. */
export function compareWords(due: readonly DueWord[], came: readonly number[]): WordCounts {
  // best[j]: the least cost of all words due so far against the first j that came.
  let best = came.map((_, j) => cost(0, j));
  best.push(cost(0, came.length));
  for (const { word, isOptional = false } of due) {
    const before = best;
    const skipped = isOptional ? 0 : 1;
    best = [add(before[0] as Cost, skipped, 0)];
    for (let j = 1; j <= came.length; j += 1) {
      const choices = [add(before[j] as Cost, skipped, 0), add(best[j - 1] as Cost, 0, 1)];
      if (came[j - 1] === word) choices.push(before[j - 1] as Cost);
      best.push(choices.reduce((least, choice) => (isLess(choice, least) ? choice : least)));
    }
  }
  const { lost, twice } = best[came.length] as Cost;
  return { due: due.filter(({ isOptional }) => !isOptional).length, lost, twice };
}

export function sumWords(counts: readonly WordCounts[]): WordCounts {
  return counts.reduce(
    (sum, { due, lost, twice }) => ({ due: sum.due + due, lost: sum.lost + lost, twice: sum.twice + twice }),
    NO_WORDS,
  );
}

type Cost = Omit<WordCounts, 'due'>;

const cost = (lost: number, twice: number): Cost => ({ lost, twice });
const add = (to: Cost, lost: number, twice: number): Cost => ({ lost: to.lost + lost, twice: to.twice + twice });
const isLess = (one: Cost, other: Cost) =>
  one.lost < other.lost || (one.lost === other.lost && one.twice < other.twice);
