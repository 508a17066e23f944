// What a process costs, from /proc: CPU time and the memory that is its own.
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export interface ProcessCost {
  readonly pid: number;
  /** User and system time so far. */
  readonly cpuSeconds: number;
  /** Memory that would be free if the process ended: private pages, clean and dirty. */
  readonly ownMemoryMb: number;
}

/** @throws when the process is gone */
export function costOf(pid: number): ProcessCost {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = [...memory.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].map((match) => Number(match[1]));
  return { pid, cpuSeconds: ticks / TICKS_PER_SECOND, ownMemoryMb: kilobytes.reduce((a, b) => a + b, 0) / 1024 };
}

/** The call processes of a worker: its children that run LiveKit's job process. */
export function callProcesses(workerPid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = / (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')')[1]?.slice(2) ?? '');
        return Number(parent?.[1]) === workerPid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('job_proc');
      } catch {
        return false;
      }
    });
}
