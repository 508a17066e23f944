// Habits for each of several vendors from one seed; none where there is no seed, so that all are quick and kind.
import { Habits } from '../../fixtures/habits.ts';

/** The returned function gives the next vendor its habits; the nth vendor always gets the same ones. */
export function habitsBySeed(seed: number | undefined): () => { readonly habits?: Habits } {
  let vendors = 0;
  return () => {
    vendors += 1;
    return seed === undefined ? {} : { habits: new Habits(seed * 100 + vendors) };
  };
}
