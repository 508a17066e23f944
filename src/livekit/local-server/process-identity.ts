// Tells whether a process id still means the process that it meant: ids are given again.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the system's own format: only good for comparing. */
  readonly startedAt: string;
  /** Command line, with blanks between the arguments. */
  readonly command: string;
}

/** @returns undefined when there is no such process */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    return process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
  } catch {
    return undefined;
  }
}

async function fromProc(pid: number): Promise<ProcessIdentity | undefined> {
  const [stat, command, bootId] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/cmdline`, 'utf8'),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
  ]);
  // The second field is the name in brackets and may hold blanks; the state is the third, the start time the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  return { pid, startedAt: `${bootId.trim()}/${fields[19]}`, command: command.split('\0').join(' ').trim() };
}

async function fromPs(pid: number): Promise<ProcessIdentity | undefined> {
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'lstart=,command=', '-p', String(pid)]);
  // "Fri Nov 21 01:52:00 2026 command …"
  const match = /^\s*(\S+\s+\S+\s+\S+\s+\S+\s+\d{4})\s+(.*)$/m.exec(stdout);
  return match ? { pid, startedAt: match[1] as string, command: match[2] as string } : undefined;
}

/**
 * Ends a process by its id: SIGTERM twice, as a LiveKit server waits for its participants at the first and ends at
 * the second, then SIGKILL. Resolves when it is gone.
 */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  const isThere = async () => (await identifyProcess(identity.pid))?.startedAt === identity.startedAt;
  send(identity.pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  let secondSent = false;
  while (await isThere()) {
    await sleep(50);
    if (Date.now() >= deadline) break;
    if (!secondSent && Date.now() >= deadline - graceMs + 200) {
      send(identity.pid, 'SIGTERM');
      secondSent = true;
    }
  }
  if (await isThere()) send(identity.pid, 'SIGKILL');
  for (let tries = 0; tries < 40 && (await isThere()); tries += 1) await sleep(50);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended already.
  }
}
