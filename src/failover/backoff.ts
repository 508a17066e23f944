// Waits between the attempts of one provider to recover: 1, 2, 4, 8, 16 s, each 20 % shorter to longer.

const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
const JITTER = 0.2;

export const MAX_ATTEMPTS = WAITS_MS.length;

/** From this round over all links on, the wait stays at 4 s, as a caller waits; the rounds cover the 30 s for which a call is kept. */
const LONGEST_ROUND_WAIT = 3;
export const MAX_ROUNDS = 10;

/**
 * @param attempt from 1; beyond the last, the longest wait
 * @param random as Math.random
 */
export function backoffMs(attempt: number, random: () => number): number {
  const wait = WAITS_MS[Math.min(Math.max(attempt, 1), WAITS_MS.length) - 1] as number;
  return wait * (1 + JITTER * (2 * random() - 1));
}

/**
 * Milliseconds to wait before all links, which have failed, are asked again while a caller waits: 1, 2, 4, 4 … s.
 * @param round from 1
 */
export function roundWaitMs(round: number, random: () => number): number {
  return backoffMs(Math.min(round, LONGEST_ROUND_WAIT), random);
}
