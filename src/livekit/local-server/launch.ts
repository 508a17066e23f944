// Starts the server process, waits until it answers, and ends it.
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import type { Environment } from '../../config/environment.ts';
import { makePrivateFolder } from '../../config/private-folder.ts';
import { UserError } from '../../config/user-error.ts';
import { sharedEnvironment } from './command.ts';
import { findProgram } from './find-program.ts';
import type { ServerConfig } from './server-config.ts';
import type { LaunchPlan } from './source.ts';

const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 50;

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended, with its code or signal. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  kill(signal: NodeJS.Signals): void;
}

/** @throws UserError when the program can't be started */
export async function spawnServer(plan: LaunchPlan, env: Environment, logFile: string): Promise<ServerProcess> {
  const { command, args } = await boundToUs(plan, env);
  await makePrivateFolder(dirname(logFile));
  // The log of the previous run is kept, as it may tell why that run ended.
  await rename(logFile, logFile.replace(/(\.log)?$/, '.previous.log')).catch(() => undefined);
  const log = await open(logFile, 'w', 0o600);
  try {
    const child = spawn(command, args, {
      // Only the variables that it needs: LIVEKIT_*, NODE_IP, UDP_PORT and others would override its settings.
      env: sharedEnvironment(env),
      stdio: ['ignore', log.fd, log.fd],
      // In its own process group, or Ctrl-C would end the server before the calls have ended.
      detached: true,
    });
    return await watch(child, command);
  } finally {
    await log.close();
  }
}

/**
 * Where the system offers it, the kernel ends the server when this process is killed; elsewhere the next start finds the server
 * by its pid file. The server is bound to the thread that starts it, so only the main thread may ask for this.
 */
async function boundToUs(plan: LaunchPlan, env: Environment): Promise<{ command: string; args: readonly string[] }> {
  const canBind = process.platform === 'linux' && plan.origin !== 'docker' && isMainThread;
  const setpriv = canBind ? await findProgram('setpriv', env) : undefined;
  if (!setpriv) return plan;
  return { command: setpriv, args: ['--pdeathsig', 'KILL', '--', plan.command, ...plan.args] };
}

function watch(child: ChildProcess, command: string): Promise<ServerProcess> {
  return new Promise((resolve, reject) => {
    const ended = new Promise<string>((done) => {
      child.once('exit', (code, signal) => done(signal ? `signal ${signal}` : `code ${code}`));
    });
    child.once('error', (error) => {
      reject(
        new UserError(
          `${basename(command)} cannot be started: ${error.message}`,
          'see that it is a program that runs here',
        ),
      );
    });
    child.once('spawn', () => {
      const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
      const kill = (signal: NodeJS.Signals) => {
        if (!hasEnded()) child.kill(signal);
      };
      resolve({ pid: child.pid as number, ended, hasEnded, kill });
    });
  });
}

/** @throws UserError when it ends or does not answer in time; the signal's reason at an abort */
export async function awaitReady(
  server: ServerProcess,
  config: ServerConfig,
  logFile: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!server.hasEnded()) {
    signal.throwIfAborted();
    if (await answers(config)) return;
    if (Date.now() > deadline) {
      throw new UserError(
        `the LiveKit server does not answer on port ${config.port} after ${READY_TIMEOUT_MS / 1_000} s`,
        `read ${logFile}`,
      );
    }
    await sleep(READY_POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  throw new UserError(
    `the LiveKit server ended at its start: ${(await lastLine(logFile)) ?? (await server.ended)}`,
    `correct livekit.yaml, or read ${logFile}`,
  );
}

/** Any answer counts: on a busy machine the server's figures are old, and it answers with the status "not ready". */
async function answers(config: ServerConfig): Promise<boolean> {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  try {
    const response = await fetch(`http://${host}:${config.port}/`, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function lastLine(logFile: string): Promise<string | undefined> {
  const lines = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n');
  return lines.at(-1) || undefined;
}

/** Sends SIGTERM, a second SIGTERM (at the first the server waits for its participants), then SIGKILL. */
export async function endServer(server: ServerProcess, graceMs: number): Promise<void> {
  const within = (ms: number) => Promise.race([server.ended, sleep(ms, undefined, { ref: false })]);
  server.kill('SIGTERM');
  await within(200);
  server.kill('SIGTERM');
  await within(graceMs);
  server.kill('SIGKILL');
  await within(5_000);
}
