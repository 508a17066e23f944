// Starts a LiveKit server on this machine, wherever it can be had from, and ends it with us.
import { join } from 'node:path';
import type { Environment } from '../config/environment.ts';
import type { Logger } from '../telemetry/log.ts';
import { defaultCacheDirectory } from './local-server/cache.ts';
import { awaitReady, endServer, type ServerProcess, spawnServer } from './local-server/launch.ts';
import { obtainServer } from './local-server/obtain.ts';
import { removeContainer, removePidFile, stopOrphan, writePidFile } from './local-server/pid-file.ts';
import { readPin } from './local-server/pin.ts';
import { checkPortsFree } from './local-server/ports.ts';
import { officialReleases } from './local-server/release.ts';
import { readServerConfig, type ServerConfig } from './local-server/server-config.ts';
import type { LaunchPlan, ServerOrigin } from './local-server/source.ts';

export type { ServerOrigin };

export interface LocalServerOptions {
  /** Of the repository: tools/livekit-server lies in it. */
  readonly root: string;
  readonly env: Environment;
  readonly log: Logger;
  /** Aborting ends whatever is under way: a build, a download, the start. A server that runs is ended by `stop`. */
  readonly signal: AbortSignal;
  /** `livekit.yaml` in `root` by default. */
  readonly configFile?: string;
  /** The user's cache by default. */
  readonly cacheDir?: string;
  /** For the log and the pid file; `.bulletproof` in `root` by default. */
  readonly stateDir?: string;
  /** Where releases are downloaded from; another one in tests. */
  readonly releaseBaseUrl?: string;
  /** What the release archive and Docker's network are chosen by; that of this process by default. */
  readonly platform?: NodeJS.Platform;
  /** One line that replaces the one before: how far a build or a download is. Often called. */
  readonly onProgress?: (text: string) => void;
}

export interface LocalServer {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly pid: number;
  readonly origin: ServerOrigin;
  readonly version: string;
  readonly logFile: string;
  /** Resolves when the server process has ended: by `stop`, or by itself. Its code or signal. */
  readonly ended: Promise<string>;
  /** May be called again. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 3_000;
const PORTS_FREE_WITHIN_MS = 3_000;

/**
 * Resolves when the server answers. Order: PATH, cache, `go build`, release archive, Docker.
 * @throws UserError when none can be had, a port is taken, or the server ends at its start; the signal's reason at an abort
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const { root, env, log, signal } = options;
  const stateDir = options.stateDir ?? join(root, '.bulletproof');
  const pidFile = join(stateDir, 'livekit-server.pid');
  const logFile = join(stateDir, 'livekit-server.log');
  const config = await readServerConfig(options.configFile ?? join(root, 'livekit.yaml'));
  const stopped = await stopOrphan(pidFile, env, log, signal);
  // Before a build of minutes, and again after it.
  await checkPortsFree(config, stopped ? PORTS_FREE_WITHIN_MS : 0);
  const plan = await obtainServer({
    pin: await readPin(root),
    config,
    cacheDirectory: options.cacheDir ?? defaultCacheDirectory(env),
    stateDirectory: stateDir,
    releaseBaseUrl: options.releaseBaseUrl ?? officialReleases,
    platform: options.platform ?? process.platform,
    env,
    log,
    signal,
    onProgress: options.onProgress ?? (() => undefined),
  });
  await checkPortsFree(config);
  signal.throwIfAborted();
  const server = await spawnServer(plan, env, logFile);
  const stop = stopper(server, plan, pidFile, env);
  try {
    await writePidFile(pidFile, server.pid, plan.container);
    await awaitReady(server, config, logFile, signal);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = serverUrl(config);
  const { pid, ended } = server;
  const { origin, version } = plan;
  log.info({ event: 'livekit.started', url, origin, version, pid }, `LiveKit server ${version} (${origin}) at ${url}`);
  return { url, apiKey: config.apiKey, apiSecret: config.apiSecret, pid, origin, version, logFile, ended, stop };
}

function serverUrl(config: ServerConfig): string {
  return `ws://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`;
}

function stopper(server: ServerProcess, plan: LaunchPlan, pidFile: string, env: Environment): () => Promise<void> {
  // The last resort where somebody calls process.exit.
  const onExit = () => server.kill('SIGKILL');
  process.once('exit', onExit);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await endServer(server, STOP_GRACE_MS);
    if (plan.container) await removeContainer(plan.container, env, new AbortController().signal);
    await removePidFile(pidFile);
    process.off('exit', onExit);
  };
  return () => {
    stopped ??= stop();
    return stopped;
  };
}
