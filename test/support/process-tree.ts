// Which processes descend from one, so that a test can see that none is left.
import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
}

function allProcesses(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent) }];
    } catch {
      return [];
    }
  });
}

/** The pids of all processes that the process started, and of those that they started. */
export function descendantsOf(pid: number): number[] {
  const processes = allProcesses();
  const found = [pid];
  for (const ancestor of found)
    found.push(...processes.filter(({ parent }) => parent === ancestor).map((child) => child.pid));
  return found.slice(1);
}

export function isRunning(pid: number): boolean {
  return allProcesses().some((process) => process.pid === pid);
}
