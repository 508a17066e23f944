// The vendors of `--demo`: a child process that stands in for all of them, breaks them on command, and never outlives us.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Environment } from './config/environment.ts';
import { isLoopback } from './config/loopback.ts';
import { UserError } from './config/user-error.ts';

export interface Demo {
  /** Variables that lead providers to the stand-ins on this machine: URLs and keys. */
  readonly env: Environment;
  /** Ids of the vendors, as the chains name them. */
  readonly vendors: readonly string[];
  /** The last fault of the vendor; undefined when it is well. */
  faultOf(vendor: string): string | undefined;
  /** Resolves once the fault is set. `mend` makes the vendor well again. */
  fail(vendor: string, fault: string): Promise<void>;
  close(): Promise<void>;
}

const READY_WITHIN_MS = 30_000;

/**
 * @param directory of the project, where fixtures/ lies
 * @param host where the talk page listens
 * @throws UserError where the host is not this machine alone, where fixtures/ is absent and when the child can't start
 */
export async function startDemo(directory: string, host = '127.0.0.1'): Promise<Demo> {
  if (!isLoopback(host)) {
    throw new UserError(
      `--demo lets whoever reaches the talk page break providers, and HTTP_HOST is ${host}`,
      'leave HTTP_HOST empty, so that only this machine reaches it',
    );
  }
  const program = join(directory, 'fixtures/demo.ts');
  if (!existsSync(program)) {
    throw new UserError(`--demo needs ${program}, which is not there`, "start it in the project's directory");
  }
  const child = spawn(process.execPath, [program], { cwd: directory, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  // A command to a process that has ended is dropped.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout });
  const close = async () => {
    child.stdin.end();
    child.kill('SIGTERM');
    await ended;
  };
  const faults = new Map<string, string>();
  const waiting: (() => void)[] = [];
  try {
    const first = await Promise.race([
      once(lines, 'line', { signal: AbortSignal.timeout(READY_WITHIN_MS) }),
      ended.then(() => undefined),
    ]);
    if (!first) throw new Error('it ended at once');
    const { vendors, env } = JSON.parse(String(first[0])) as Pick<Demo, 'vendors' | 'env'>;
    lines.on('line', () => waiting.shift()?.());
    let hasEnded = false;
    void ended.then(() => {
      hasEnded = true;
      for (const answered of waiting.splice(0)) answered();
    });
    return {
      env,
      vendors,
      faultOf: (vendor) => faults.get(vendor),
      fail: (vendor, fault) => {
        if (fault === 'mend') faults.delete(vendor);
        else faults.set(vendor, fault);
        child.stdin.write(`${JSON.stringify({ vendor, fault })}\n`);
        return new Promise((resolve) => (hasEnded ? resolve() : waiting.push(resolve)));
      },
      close,
    };
  } catch (error) {
    await close();
    throw new UserError(
      `the vendors of the demonstration did not start (${error instanceof Error ? error.message : error})`,
      'read what they wrote above',
    );
  }
}
