// Runs `pnpm dev:bulletproof` as a process of its own, in a working directory of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface MainProcess {
  readonly pid: number;
  /** Standard output and error together, so far. */
  output(): string;
  /** Standard error alone. */
  errors(): string;
  /** Resolves when the output has the text; rejects when the process ends before that, or the time is over. */
  says(text: string | RegExp, timeoutMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

const repository = fileURLToPath(new URL('../../', import.meta.url));

export interface MainOptions {
  readonly args?: readonly string[];
  /** Added to an environment without any of the variables that the application reads. */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory; the repository where absent. */
  readonly directory?: string;
  /** The program, relative to the repository; src/main.ts where absent. */
  readonly program?: string;
}

export function spawnMain({
  args = [],
  env = {},
  directory = repository,
  program = 'src/main.ts',
}: MainOptions = {}): MainProcess {
  const { PATH, HOME, XDG_CACHE_HOME, GOPATH, GOCACHE, GOPROXY, GOFLAGS } = process.env;
  const inherited = { PATH, HOME, XDG_CACHE_HOME, GOPATH, GOCACHE, GOPROXY, GOFLAGS };
  const child = spawn(process.execPath, [`${repository}${program}`, ...args], {
    cwd: directory,
    env: { ...inherited, CI: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errorText = '';
  child.stderr.on('data', (chunk: Buffer | string) => {
    errorText += chunk.toString();
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    pid: child.pid as number,
    output: () => text,
    errors: () => errorText,
    exited,
    kill: (signal) => void child.kill(signal),
    says: async (wanted, timeoutMs = 60_000) => {
      const found = () => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text));
      const until = Date.now() + timeoutMs;
      let ended = false;
      void exited.then(() => {
        ended = true;
      });
      while (!found()) {
        if (ended || Date.now() > until) throw new Error(`did not say ${wanted}:\n${text}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}
