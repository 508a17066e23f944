// Time as an argument, so that policy is tested on a fake clock.

export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Runs once; the result takes it back. */
  setTimeout(run: () => void, ms: number): () => void;
}

/** Node runs what is to wait for longer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The epoch's milliseconds at a steady pace, so that processes of one machine agree on them. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (run, ms) => {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
