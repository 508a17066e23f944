// Remembers the running server, so that the next start finds one whose owner was killed.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../../config/environment.ts';
import { makePrivateFolder } from '../../config/private-folder.ts';
import { UserError } from '../../config/user-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import { runCommand } from './command.ts';
import { findProgram } from './find-program.ts';
import { endProcess, identifyProcess, type ProcessIdentity } from './process-identity.ts';

const identity = z.object({ pid: z.number().int().positive(), startedAt: z.string() });
const schema = z.object({ server: identity, owner: identity, container: z.string().optional() });

const GRACE_MS = 3_000;
const DOCKER_TIMEOUT_MS = 10_000;

export async function writePidFile(file: string, serverPid: number, container: string | undefined): Promise<void> {
  const [server, owner] = await Promise.all([identifyProcess(serverPid), identifyProcess(process.pid)]);
  if (!server || !owner) return;
  await makePrivateFolder(dirname(file));
  // Renamed into place, so that another start reads the whole file or none.
  await writeFile(`${file}.new`, `${JSON.stringify({ server, owner, container })}\n`);
  await rename(`${file}.new`, file);
}

export async function removePidFile(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** Process ids of the run whose owner and server are both alive; undefined when there is none. */
export async function readRunning(file: string): Promise<{ ownerPid: number; serverPid: number } | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const record = schema.safeParse(parseJson(text));
  if (!record.success) return undefined;
  const { owner, server } = record.data;
  if (!(await sameProcess(owner)) || !(await sameProcess(server))) return undefined;
  return { ownerPid: owner.pid, serverPid: server.pid };
}

/**
 * Stops the server of a run that was killed. The pid alone is not trusted: the start time of the process must be the one
 * in the file, and the process must be a LiveKit server or the docker client that runs one.
 * @returns whether a run had left its record: its ports may be taken for a moment longer
 * @throws UserError when its owner is still running
 */
export async function stopLeftover(file: string, env: Environment, log: Logger, signal: AbortSignal): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const record = schema.safeParse(parseJson(text));
  if (record.success) {
    const { server, owner, container } = record.data;
    const runningOwner = await sameProcess(owner);
    const runningServer = await sameProcess(server);
    if (runningOwner && runningServer && owner.pid !== process.pid) {
      throw new UserError(
        `Bulletproof runs here already, process ${owner.pid} with its LiveKit server ${server.pid}`,
        `end it with kill ${owner.pid}, or start in another directory with other ports`,
      );
    }
    if (runningServer && /livekit/.test(runningServer.command)) {
      await endProcess(runningServer, GRACE_MS);
      const message = `stopped the LiveKit server that a crashed run left, process ${server.pid}`;
      log.warn({ event: 'livekit.leftover_stopped', pid: server.pid }, message);
    }
    if (container) await removeContainer(container, env, signal);
  }
  await removePidFile(file);
  return record.success;
}

export async function removeContainer(container: string, env: Environment, signal: AbortSignal): Promise<void> {
  const docker = await findProgram('docker', env);
  if (!docker) return;
  const args = ['rm', '--force', container];
  // A container that was started with --rm may be gone already.
  await runCommand(docker, args, { env, signal, timeoutMs: DOCKER_TIMEOUT_MS }).catch(() => undefined);
}

async function sameProcess(recorded: { pid: number; startedAt: string }): Promise<ProcessIdentity | undefined> {
  const found = await identifyProcess(recorded.pid);
  return found?.startedAt === recorded.startedAt ? found : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
