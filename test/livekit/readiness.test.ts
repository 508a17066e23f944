// Readiness follows the worker's connection and its call processes; these are real processes that say what LiveKit's say.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Readiness } from '../../src/livekit/readiness.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

let directory: string;
let readiness: Readiness;
let clock: FakeClock;
let running: number;
let failures: string[];
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bulletproof-readiness-'));
  clock = new FakeClock();
  running = 0;
  failures = [];
  readiness = new Readiness({
    clock,
    running: () => running,
    onLoadFailed: (inRow, how) => void failures.push(`${inRow} ${how}`),
  });
});
afterEach(async () => {
  readiness.close();
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true });
});

/** A call process with LiveKit's name for it. */
function callProcess(program: string): ChildProcess {
  const file = join(directory, 'job_proc_lazy_main.mjs');
  writeFileSync(file, program);
  const child = fork(file);
  children.push(child);
  return child;
}

const LOADS = "process.send({ case: 'initializeResponse' }); setInterval(() => {}, 1e6);";

it('needs the server and a loaded process that no call has', async () => {
  expect(readiness.troubles()).toEqual(['the worker is not registered with the LiveKit server']);
  readiness.registered();
  expect(readiness.troubles()).toEqual(['no call process is loaded yet']);
  const child = callProcess(LOADS);
  await eventually('it is ready', () => readiness.troubles().length === 0, 10_000);
  running = 1;
  expect(readiness.troubles()).toEqual(['no call process is loaded yet']);
  running = 0;
  child.kill('SIGKILL');
  await eventually('it is not ready', () => readiness.troubles().length === 1, 10_000);
  expect(failures).toEqual([]);
});

it('is lost with the connection and comes back with it', async () => {
  callProcess(LOADS);
  readiness.registered();
  await eventually('it is ready', () => readiness.troubles().length === 0, 10_000);
  await clock.advance(6_001);
  expect(readiness.troubles()).toEqual(['the worker has lost the LiveKit server, and connects again']);
  readiness.heard();
  expect(readiness.troubles()).toEqual([]);
});

it('counts processes that end while they load, until one is loaded', async () => {
  for (const place of [1, 2]) {
    await once(callProcess('process.exit(7);'), 'exit');
    expect(failures.at(-1)).toBe(`${place} code 7`);
  }
  callProcess(LOADS);
  readiness.registered();
  await eventually('one is loaded', () => readiness.troubles().length === 0, 10_000);
  await once(callProcess('process.exit(7);'), 'exit');
  expect(failures).toEqual(['1 code 7', '2 code 7', '1 code 7']);
});

it('takes no other program for a call process', async () => {
  const file = join(directory, 'other.mjs');
  writeFileSync(file, 'process.exit(7);');
  await once(fork(file), 'exit');
  expect(failures).toEqual([]);
});
