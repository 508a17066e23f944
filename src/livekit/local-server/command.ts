// Runs a program to its end in a process group of its own, so that nothing of it stays when it is given up.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Environment } from '../../config/environment.ts';

export interface CommandOptions {
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly cwd?: string;
  /** Time limit for the whole command. */
  readonly timeoutMs?: number;
  /** Time limit without a line of output. */
  readonly stallMs?: number;
  /** Called with every line of standard error. */
  readonly onLine?: (line: string) => void;
}

/** How long a program may take to end by itself once it was interrupted. */
const INTERRUPT_MS = 2_000;
const KEPT_LINES = 8;
const MAX_OUTPUT_CHARS = 64 * 1024;

/** Variables that a build or download tool may see; the keys in `.env` are not among them. */
const SHARED_VARIABLE =
  /^(PATH|HOME|USER|LOGNAME|TMPDIR|TERM|LANG|LC_.*|XDG_.*|C?GO[A-Z0-9_]*|GIT_.*|DOCKER_.*|SSL_CERT_(FILE|DIR)|SSH_AUTH_SOCK|NETRC|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy)$/;

export function sharedEnvironment(env: Environment): Record<string, string> {
  const shared: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && SHARED_VARIABLE.test(name)) shared[name] = value;
  }
  return shared;
}

/**
 * Resolves with the standard output of the program, cut off after some MAX_OUTPUT_CHARS.
 * @throws the signal's reason once the program and its children have ended; else Error with the last lines it wrote
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  options.signal.throwIfAborted();
  const child = spawn(command, args, {
    env: { ...sharedEnvironment(options.env) },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1));
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < MAX_OUTPUT_CHARS) output += text;
    stall?.refresh();
  });
  const lastLines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    options.onLine?.(line);
    stall?.refresh();
  });

  let gaveUp: string | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (reason?: string) => {
    gaveUp ??= reason;
    // The group is interrupted before it is killed, so that Go and Docker can clean up.
    signalGroup(child.pid, 'SIGINT');
    killTimer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), INTERRUPT_MS);
  };
  const onAbort = () => stop();
  options.signal.addEventListener('abort', onAbort, { once: true });
  const { timeoutMs, stallMs } = options;
  const limit = timeoutMs && setTimeout(() => stop(`no end after ${seconds(timeoutMs)}`), timeoutMs);
  const stall = stallMs ? setTimeout(() => stop(`no sign of life for ${seconds(stallMs)}`), stallMs) : undefined;
  try {
    const code = await ended;
    options.signal.throwIfAborted();
    if (gaveUp) throw new Error(gaveUp);
    if (code !== 0) throw new Error(lastLines.findLast((line) => line.trim() !== '')?.trim() ?? `ended with ${code}`);
    return output;
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    for (const timer of [limit, stall, killTimer]) clearTimeout(timer || undefined);
    // The program has ended, but a process that it started may still run.
    if (killTimer) signalGroup(child.pid, 'SIGKILL');
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The process group has ended already.
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
