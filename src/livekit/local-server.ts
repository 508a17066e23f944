// Starts a LiveKit server on this machine, wherever it can be had from, and ends it with us.
import { join } from 'node:path';
import type { Environment } from '../config/environment.ts';
import type { Logger } from '../telemetry/log.ts';
import { defaultCacheDirectory } from './local-server/cache.ts';
import { awaitReady, endServer, type ServerProcess, spawnServer } from './local-server/launch.ts';
import { obtainServer } from './local-server/obtain.ts';
import { removeContainer, removePidFile, stopLeftover, writePidFile } from './local-server/pid-file.ts';
import { readPin } from './local-server/pin.ts';
import { checkPortsFree } from './local-server/ports.ts';
import { officialReleases } from './local-server/release.ts';
import { readServerConfig, type ServerConfig } from './local-server/server-config.ts';
import type { LaunchPlan, ServerOrigin } from './local-server/source.ts';

export type { ServerOrigin };

export interface LocalServerOptions {
  /** Root of the repository, which contains tools/livekit-server. */
  readonly root: string;
  readonly env: Environment;
  readonly log: Logger;
  /** Aborting ends a build, a download or the start. A running server is ended by `stop`. */
  readonly signal: AbortSignal;
  /** `livekit.yaml` in `root` by default. */
  readonly configFile?: string;
  /** Directory of server binaries; the user's cache by default. */
  readonly cacheDir?: string;
  /** Directory of the log and the pid file; `.bulletproof` in `root` by default. */
  readonly stateDir?: string;
  /** Base URL of the releases to download; another one in tests. */
  readonly releaseBaseUrl?: string;
  /** Decides the release archive and Docker's network; the platform of this process by default. */
  readonly platform?: NodeJS.Platform;
  /** Called often with the progress of a build or a download: one line that replaces the one before. */
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
  /** Resolves with the exit code or signal when the server process has ended, by `stop` or by itself. */
  readonly ended: Promise<string>;
  /** May be called repeatedly. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 3_000;
const PORTS_FREE_WITHIN_MS = 3_000;

/**
 * Resolves when the server answers. Order of the sources: PATH, cache, `go build`, release archive, Docker.
 * @throws UserError when none can be had, a port is taken, or the server ends at its start; the signal's reason at an abort
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const { root, env, log, signal } = options;
  const stateDir = options.stateDir ?? join(root, '.bulletproof');
  const pidFile = join(stateDir, 'livekit-server.pid');
  const logFile = join(stateDir, 'livekit-server.log');
  const config = await readServerConfig(options.configFile ?? join(root, 'livekit.yaml'));
  const stopped = await stopLeftover(pidFile, env, log, signal);
  // The ports are checked before a build that takes minutes, and again after it.
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
  // Kills the server when process.exit is called without `stop`.
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
