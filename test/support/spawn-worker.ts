// Starts a worker process with a given call process, and ends it by its pid.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServerAccess {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

export interface SpawnedWorker {
  readonly pid: number;
  /** Everything that it printed. */
  output(): string;
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL('./worker-main.ts', import.meta.url));
const READY_WITHIN_MS = 60_000;

export interface SpawnOptions {
  /** More variables for the worker and its call processes. */
  readonly env?: Readonly<Record<string, string>>;
  /** With a name, the worker takes only calls that ask for it. */
  readonly agentName?: string;
}

export async function spawnWorker(
  jobFile: URL,
  { url, apiKey, apiSecret }: ServerAccess,
  { env = {}, agentName }: SpawnOptions = {},
): Promise<SpawnedWorker> {
  const args = [main, fileURLToPath(jobFile), url, apiKey, apiSecret, ...(agentName ? [agentName] : [])];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  const exited = once(child, 'exit');
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`worker not ready:\n${lines.join('\n')}`)), READY_WITHIN_MS);
    void exited.then(() => reject(new Error(`worker ended:\n${lines.join('\n')}`)));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        if (line !== 'ready') return;
        clearTimeout(timer);
        resolve();
      });
    }
  });
  await ready;
  return {
    pid: child.pid as number,
    output: () => lines.join('\n'),
    stop: async () => {
      if (child.exitCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}
