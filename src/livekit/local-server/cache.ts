// The user's cache of server binaries: one directory a version and platform, filled by one start at a time.
import { constants } from 'node:fs';
import { access, chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../config/environment.ts';
import { identifyProcess } from './process-identity.ts';
import type { SourceContext } from './source.ts';

/** `$XDG_CACHE_HOME/bulletproof`, or where the platform keeps such files. */
export function defaultCacheDirectory(env: Environment): string {
  const home = env.HOME ?? homedir();
  const base = process.platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
  return join(env.XDG_CACHE_HOME ?? base, 'bulletproof');
}

export interface BinaryCache {
  readonly binary: string;
  has(): Promise<boolean>;
  /**
   * Lets `make` put a binary into its own empty directory, then moves it into place in one step. Incomplete files never
   * stay: errors and aborts remove them, and the next run removes those of a killed run.
   * When another start makes the same binary, this one first waits for its end.
   */
  fill(context: SourceContext, make: (workDirectory: string) => Promise<string>): Promise<void>;
}

const LOCK_POLL_MS = 250;

export function binaryCache(context: SourceContext): BinaryCache {
  const directory = join(context.cacheDirectory, 'livekit-server');
  const key = `${context.pin.version}-${process.platform}-${process.arch}`;
  const place = join(directory, key);
  const binary = join(place, 'livekit-server');
  const has = () =>
    access(binary, constants.X_OK).then(
      () => true,
      () => false,
    );
  return {
    binary,
    has,
    async fill({ signal, onProgress }, make) {
      await mkdir(place, { recursive: true });
      const release = await acquireLock(join(directory, `${key}.lock`), signal, onProgress);
      const workDirectory = join(place, `work-${process.pid}`);
      try {
        if (await has()) return;
        await removeLeftovers(place);
        await mkdir(workDirectory);
        const made = await make(workDirectory);
        signal.throwIfAborted();
        await chmod(made, 0o755);
        await rename(made, binary);
      } finally {
        await rm(workDirectory, { recursive: true, force: true, maxRetries: 3 });
        await release();
      }
    },
  };
}

async function removeLeftovers(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    if (name.startsWith('work-')) await rm(join(place, name), { recursive: true, force: true });
  }
}

async function acquireLock(
  file: string,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<() => Promise<void>> {
  const self = await identifyProcess(process.pid);
  for (;;) {
    signal.throwIfAborted();
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(`${process.pid} ${self?.startedAt ?? ''}`);
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await lockHolder(file);
    if (holder === 'gone') {
      await rm(file, { force: true });
      continue;
    }
    onProgress(`waiting for another start, process ${holder}, which gets the LiveKit server`);
    await sleep(LOCK_POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function lockHolder(file: string): Promise<number | 'gone'> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '') {
    // The lock is just being written, or was just removed: look again.
    await sleep(LOCK_POLL_MS);
    if ((await readFile(file, 'utf8').catch(() => '')) === '') return 'gone';
    return lockHolder(file);
  }
  const [pid, startedAt] = text.split(' ');
  const identity = await identifyProcess(Number(pid));
  return identity && identity.startedAt === startedAt ? identity.pid : 'gone';
}
