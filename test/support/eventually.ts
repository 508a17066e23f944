// Waits for something that other processes do.

/** Rejects after `timeoutMs`; the error says what was waited for. */
export async function eventually(what: string, isSo: () => boolean, timeoutMs = 5_000): Promise<void> {
  if (!(await isTrueWithin(timeoutMs, isSo))) throw new Error(`did not come about within ${timeoutMs} ms: ${what}`);
}

/** Resolves with whether it became true in time, at once when it did. */
export async function isTrueWithin(ms: number, isSo: () => boolean): Promise<boolean> {
  const until = performance.now() + ms;
  while (!isSo()) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return true;
}
