// The rows about LiveKit: the server that would serve, and the ports that it needs.
import { join } from 'node:path';
import type { Environment } from '../../config/environment.ts';
import { portHolder } from '../../config/port-holder.ts';
import { defaultCacheDirectory } from '../../livekit/local-server/cache.ts';
import { foreseeServer } from '../../livekit/local-server/foresee.ts';
import { readRunning } from '../../livekit/local-server/pid-file.ts';
import { readPin } from '../../livekit/local-server/pin.ts';
import { type NeededPort, neededPorts, portProblem } from '../../livekit/local-server/ports.ts';
import { officialReleases } from '../../livekit/local-server/release.ts';
import { readServerConfig } from '../../livekit/local-server/server-config.ts';
import { checkCredentials, givenCredentials } from '../../livekit/server-access.ts';
import { createLogger } from '../../telemetry/log.ts';
import type { Check, Row } from './check.ts';

export interface LivekitCheckOptions {
  readonly root: string;
  readonly env: Environment;
  readonly httpPort: number;
  readonly releaseBaseUrl?: string | undefined;
}

export function livekitChecks(options: LivekitCheckOptions): readonly Check[] {
  return [
    { name: 'Ports', run: () => portRows(options) },
    { name: 'LiveKit server', run: async (signal) => [await serverRow(options, signal)] },
  ];
}

function running(root: string) {
  return readRunning(join(root, '.bulletproof', 'livekit-server.pid'));
}

async function serverRow(options: LivekitCheckOptions, signal: AbortSignal): Promise<Row> {
  const { root, env } = options;
  const name = 'LiveKit server';
  const given = givenCredentials(env);
  if (given) {
    await checkCredentials(given, { signal });
    return { name, state: 'good', found: `${given.url} answers and takes the keys` };
  }
  const config = await readServerConfig(join(root, 'livekit.yaml'));
  const run = await running(root);
  if (run) return { name, state: 'good', found: `runs on port ${config.port}, process ${run.serverPid}` };
  const found = await foreseeServer({
    pin: await readPin(root),
    config,
    cacheDirectory: defaultCacheDirectory(env),
    stateDirectory: join(root, '.bulletproof'),
    releaseBaseUrl: options.releaseBaseUrl ?? officialReleases,
    platform: process.platform,
    env,
    log: createLogger({ level: 'silent' }),
    signal,
    onProgress: () => undefined,
  });
  return { name, state: 'good', found };
}

async function portRows({ root, env, httpPort }: LivekitCheckOptions): Promise<readonly Row[]> {
  const page: NeededPort = {
    port: httpPort,
    protocol: 'tcp',
    hosts: [env.HTTP_HOST ?? '127.0.0.1'],
    purpose: 'talk page',
    change: 'start with --port and another one',
  };
  const livekit = env.LIVEKIT_URL ? [] : neededPorts(await readServerConfig(join(root, 'livekit.yaml')));
  const run = await running(root);
  return Promise.all([page, ...livekit].map((needed) => portRow(needed, run && [run.ownerPid, run.serverPid])));
}

async function portRow(needed: NeededPort, ourPids: readonly number[] | undefined): Promise<Row> {
  const name = `Port ${needed.port}`;
  const problem = await portProblem(needed);
  if (!problem) return { name, state: 'good', found: `free, for ${needed.purpose}` };
  const holder = problem.holder ?? (await portHolder(needed.port));
  if (holder && ourPids?.includes(holder.pid)) {
    return { name, state: 'good', found: `in use by the Bulletproof that runs, for ${needed.purpose}` };
  }
  return { name, state: 'broken', found: problem.error.message, fix: problem.error.fix };
}
