// A call process whose worker is gone ends with it, though LiveKit's program takes no signal then.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const agents = dirname(createRequire(import.meta.url).resolve('@livekit/agents'));
const program = join(agents, 'ipc', 'job_proc_lazy_main.js');
const job = fileURLToPath(new URL('../../src/job.ts', import.meta.url));
const INITIALIZE = {
  case: 'initializeRequest',
  value: { loggerOptions: { pretty: false, level: 'silent' }, sessionEndTimeout: 1_000 },
};

test('a call process that waits for a call ends at once when its worker is gone', async () => {
  const child = fork(program, [job], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
  const ended = once(child, 'exit');
  try {
    child.send(INITIALIZE);
    const [message] = await once(child, 'message');
    expect(message).toMatchObject({ case: 'initializeResponse' });
    child.disconnect();
    expect(await ended).toEqual([null, 'SIGKILL']);
  } finally {
    child.kill('SIGKILL');
  }
}, 90_000);
