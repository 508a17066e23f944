// A directory that looks like the repository, and a PATH with nothing on it but the stub programs that a test asks for.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { identifyProcess } from '../../../src/livekit/local-server/process-identity.ts';
import { type LocalServer, type LocalServerOptions, startLocalServer } from '../../../src/livekit/local-server.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { writeTestConfig } from '../../rooms/support/server.ts';

export const stubServerFile = fileURLToPath(new URL('./stub-server.ts', import.meta.url));

export interface Workspace {
  readonly root: string;
  readonly binDirectory: string;
  readonly cacheDirectory: string;
  readonly stateDirectory: string;
  readonly configFile: string;
  readonly progress: string[];
  /** Puts a shell script onto the PATH of this workspace. */
  program(name: string, script: string): Promise<string>;
  options(overrides?: Partial<LocalServerOptions>): LocalServerOptions;
  /** Starts a server that `remove` stops. */
  start(overrides?: Partial<LocalServerOptions>): Promise<LocalServer>;
  remove(): Promise<void>;
}

export const PINNED = '1.11.0';
export const IMAGE_DIGEST = `sha256:${'5'.repeat(64)}`;

/** A shell script that behaves as livekit-server does. */
export function stubServer(version: string): string {
  return `exec "${process.execPath}" "${stubServerFile}" ${version} "$@"`;
}

export async function makeWorkspace(): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), 'bulletproof-local-'));
  const binDirectory = join(root, 'bin');
  const cacheDirectory = join(root, 'cache');
  const stateDirectory = join(root, '.bulletproof');
  const moduleDirectory = join(root, 'tools', 'livekit-server');
  await mkdir(binDirectory);
  await mkdir(moduleDirectory, { recursive: true });
  await writeFile(
    join(moduleDirectory, 'go.mod'),
    `go 1.25.0\n\nrequire github.com/livekit/livekit-server v${PINNED}\n`,
  );
  await writeFile(join(moduleDirectory, 'digests.json'), JSON.stringify({ image: IMAGE_DIGEST, archives: {} }));
  const configFile = await writeTestConfig(root);
  const progress: string[] = [];
  const servers: LocalServer[] = [];
  const options = (overrides: Partial<LocalServerOptions> = {}): LocalServerOptions => ({
    root,
    cacheDir: cacheDirectory,
    env: { PATH: binDirectory, HOME: root },
    log: createLogger({ level: 'silent' }),
    signal: new AbortController().signal,
    // Nothing listens there: no test reaches the real one.
    releaseBaseUrl: 'http://127.0.0.1:9',
    platform: 'linux',
    onProgress: (text) => progress.push(text),
    ...overrides,
  });
  return {
    root,
    binDirectory,
    cacheDirectory,
    stateDirectory,
    configFile,
    progress,
    async program(name, script) {
      const file = join(binDirectory, name);
      await writeFile(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
      await chmod(file, 0o755);
      return file;
    },
    options,
    async start(overrides) {
      const server = await startLocalServer(options(overrides));
      servers.push(server);
      return server;
    },
    async remove() {
      for (const server of servers) await server.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Whether a process with this id runs; one that only waits to be reaped does not. */
export async function isRunning(pid: number): Promise<boolean> {
  return (await identifyProcess(pid)) !== undefined;
}

/** Reads a file that a stub program is about to write. */
export async function awaitText(file: string): Promise<string> {
  for (let tries = 0; tries < 400; tries += 1) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trim();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${file} was not written`);
}

export async function awaitEnd(pid: number): Promise<void> {
  for (let tries = 0; tries < 400 && (await isRunning(pid)); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  if (await isRunning(pid)) throw new Error(`process ${pid} still runs`);
}
