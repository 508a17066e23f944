// What runs of many calls share on the command line: whole numbers, and an end by Ctrl-C that leaves nothing behind.

/** @throws RangeError when it is none above 0 */
export function wholeNumber(option: string, given: string | undefined, otherwise: number): number {
  const number = given === undefined ? otherwise : Number(given);
  if (!Number.isInteger(number) || number < 1)
    throw new RangeError(`${option} takes a whole number above 0, got ${given}`);
  return number;
}

/** Runs `work` to its end; Ctrl-C aborts its signal, and the process ends when `work` has cleaned up. */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = 130;
    process.stderr.write('interrupted\n');
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
