// LiveKit's own logger, in a process of its own: no level of it tells what was said.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PROGRAM = `
import { initializeLogger, log } from '@livekit/agents';
import { keepWordsOutOfLog } from './src/livekit/private-log.ts';
initializeLogger({ pretty: false, level: 'trace' });
const early = log().child({ pid: 1 });
keepWordsOutOfLog();
// What LiveKit does between prewarm and entry: the job's logger is a child of one that is older than prewarm.
globalThis[Symbol.for('@livekit/agents:logger')] = early.child({ job: 'j1' });
keepWordsOutOfLog();
const made = log().child({ room: 'r1' });
for (const level of ['trace', 'debug', 'info', 'warn', 'error']) {
  made[level]({ 'lk.pii.user_transcript': 'my card is 4111', attempt: 3 }, 'received user transcript');
}
made.warn({ error: new Error('seen') }, 'as before');
`;

it('leaves the words out at every level, and keeps the rest', () => {
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const output = execFileSync(process.execPath, ['--input-type=module-typescript', '-e', PROGRAM], {
    cwd,
    encoding: 'utf8',
  });
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(6);
  expect(output).not.toContain('4111');
  for (const line of lines.slice(0, 5)) {
    expect(line).toMatchObject({ job: 'j1', room: 'r1', attempt: 3, 'lk.pii.user_transcript': '[left out]' });
  }
  expect(lines[5]).toMatchObject({ msg: 'as before', error: { message: 'seen' } });
});
