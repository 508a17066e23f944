// Waits for something that other processes do.

/** Rejects after `timeoutMs`; the error says what was waited for. */
export async function eventually(what: string, isSo: () => boolean, timeoutMs = 5_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > until) throw new Error(`did not come about within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
