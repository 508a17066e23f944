// A call process whose worker is gone is gone with it, also when it was not loaded yet.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const agents = dirname(createRequire(import.meta.url).resolve('@livekit/agents'));
const program = join(agents, 'ipc', 'job_proc_lazy_main.js');
const job = fileURLToPath(new URL('../../src/job.ts', import.meta.url));

test('a call process that waits for its worker ends when that is gone', async () => {
  const child = fork(program, [job], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
  const ended = once(child, 'exit');
  // It listens for its worker once the job's file is loaded.
  await expect.poll(() => child.connected).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(child.exitCode ?? child.signalCode).toBeNull();
  child.disconnect();
  expect(await ended).toEqual([null, 'SIGKILL']);
});
