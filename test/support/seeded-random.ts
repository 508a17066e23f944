// Random numbers that are the same in every run.
import { Habits } from '../../fixtures/habits.ts';

/** Stands in for Math.random. */
export function seededRandom(seed: number): () => number {
  const habits = new Habits(seed);
  return () => habits.random();
}
