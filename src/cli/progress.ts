// One line of progress that replaces itself on a terminal; elsewhere a line now and then.

export interface Progress {
  show(text: string): void;
  /** Removes the line from a terminal. */
  clear(): void;
}

const PLAIN_EVERY_MS = 10_000;

export function createProgress(stream: NodeJS.WriteStream, now: () => number = Date.now): Progress {
  if (stream.isTTY) {
    return {
      show: (text) => stream.write(`\r\u001b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`),
      clear: () => stream.write('\r\u001b[2K'),
    };
  }
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    show: (text) => {
      if (now() - lastAt < PLAIN_EVERY_MS) return;
      lastAt = now();
      stream.write(`${text}\n`);
    },
    clear: () => undefined,
  };
}
