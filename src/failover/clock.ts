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

/** What it resolves to; undefined when so long has passed before. Leaves no timer behind. */
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
