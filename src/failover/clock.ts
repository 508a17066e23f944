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

/** A timer that fires later than this shows that the process was busy: what a vendor sent meanwhile is not read yet. */
const BUSY_MS = 20;
const MOST_WAITS = 5;
/** Upper limit of the extra time of one deadline: beyond it the process is slow for good, and the deadline holds. */
const MOST_EXTRA_MS = 500;

/**
 * A timer for what a vendor is to send. Where it fires late because the process was busy, it waits once more for as long as it was late.
 * @param mostExtraMs upper limit of all that extra time
 * @returns cancels it
 */
export function setDeadline(clock: Clock, run: () => void, ms: number, mostExtraMs = MOST_EXTRA_MS): () => void {
  let cancel = () => {};
  const wait = (waitMs: number, waitsLeft: number, extraLeftMs: number) => {
    const dueMs = clock.now() + Math.max(0, waitMs);
    cancel = clock.setTimeout(() => {
      const lateMs = clock.now() - dueMs;
      const extraMs = Math.min(lateMs, extraLeftMs);
      if (lateMs > BUSY_MS && extraMs > 0 && waitsLeft > 0) wait(extraMs, waitsLeft - 1, extraLeftMs - extraMs);
      else run();
    }, waitMs);
  };
  wait(ms, MOST_WAITS, mostExtraMs);
  return () => cancel();
}
