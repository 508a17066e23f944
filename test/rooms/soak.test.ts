// Scenario 20, small: `pnpm soak` holds as many calls as one has time for.
import { expect, it } from 'vitest';
import { soak } from '../bench/support/soak-run.ts';

const SEED = 7;

it(`20. five calls of seed ${SEED} with a fault in each: none dropped, no word lost or twice, nothing left`, async () => {
  // More at once starve two cores, and words are torn on their way whatever the program does.
  const { calls, broken, wrong } = await soak({ calls: 5, seed: SEED, atOnce: 2 });
  expect(broken).toEqual([]);
  expect(wrong).toEqual([]);
  expect(calls).toHaveLength(5);
}, 300_000);
