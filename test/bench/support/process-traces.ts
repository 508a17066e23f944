// What a run could leave behind: processes, sockets and files.
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf } from '../../support/process-tree.ts';

export interface Traces {
  readonly processes: number;
  /** Sockets of this process; those of other processes end with them. */
  readonly sockets: number;
  readonly files: readonly string[];
}

/** @param directory in which the run has all its temporary files */
export function tracesNow(directory: string): Traces {
  return {
    processes: descendantsOf(process.pid).length,
    sockets: readdirSync('/proc/self/fd').filter(isSocket).length,
    files: readdirSync(directory),
  };
}

/** What is more than before, in words, after up to `withinMs`: processes end a moment after they were told to. */
export async function tracesLeft(before: Traces, directory: string, withinMs = 10_000): Promise<string[]> {
  const endMs = performance.now() + withinMs;
  let left = differences(before, tracesNow(directory));
  while (left.length > 0 && performance.now() < endMs) {
    await sleep(200);
    left = differences(before, tracesNow(directory));
  }
  return left;
}

function differences(before: Traces, after: Traces): string[] {
  const more = (number: number, what: string) => (number > 0 ? [`${number} ${what}`] : []);
  return [
    ...more(after.processes - before.processes, 'processes'),
    ...more(after.sockets - before.sockets, 'sockets'),
    ...after.files.filter((file) => !before.files.includes(file)).map((file) => `file ${file}`),
  ];
}

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:');
  } catch {
    // The descriptor belonged to the directory listing, and is closed now.
    return false;
  }
}
