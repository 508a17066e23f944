// Time as an argument, so that policy is tested on a fake clock.

export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `run` once after `ms` milliseconds; the returned function cancels that. */
  setTimeout(run: () => void, ms: number): () => void;
}

/** Node fires a timer with a longer wait at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds since 1970 at a steady pace, so that the processes of one machine agree on the time. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (run, ms) => {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** The value of `promise`; undefined if `ms` milliseconds pass before. Leaves no timer behind. */
export async function within<Value>(clock: Clock, ms: number, promise: Promise<Value>): Promise<Value | undefined> {
  let cancel = () => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}

/** A timer that runs this much late shows that the process had no time, not that the vendor was late. */
const BUSY_MS = 50;
const LONGEST_EXTRA_MS = 500;
/** After this many late runs in a row the process is slow for good, and the deadline holds. */
const MOST_EXTRAS = 4;

/**
 * A timer for what a vendor is to send. Where the process was too busy to read what came meanwhile, it waits as long again as it was
 * late before it runs. @returns takes it back
 */
export function setDeadline(clock: Clock, run: () => void, ms: number): () => void {
  let cancel = () => {};
  const wait = (waitMs: number, extras: number) => {
    const dueMs = clock.now() + Math.max(0, waitMs);
    cancel = clock.setTimeout(() => {
      const lateMs = clock.now() - dueMs;
      if (lateMs > BUSY_MS && extras < MOST_EXTRAS) wait(Math.min(lateMs, LONGEST_EXTRA_MS), extras + 1);
      else run();
    }, waitMs);
  };
  wait(ms, 0);
  return () => cancel();
}
