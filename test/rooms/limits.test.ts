// What a call may take: it ends after long silence and at its greatest length, and a process that takes too much memory ends alone.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { issueToken } from '../../src/livekit/tokens.ts';
import { type SpawnedWorker, spawnWorker } from '../support/spawn-worker.ts';
import { startTestServer, type TestServer } from './support/server.ts';

const JOB = new URL('./support/limited-job.ts', import.meta.url);

let server: TestServer;
let worker: SpawnedWorker | undefined;
let agentName = '';
let count = 0;
const callers: Caller[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  for (const caller of callers.splice(0)) await caller.leave();
  await worker?.stop();
});
afterAll(() => server.stop());

async function start(env: Record<string, string>): Promise<void> {
  agentName = `limited-${++count}`;
  worker = await spawnWorker(JOB, server, { env, agentName });
}

async function join(): Promise<Caller> {
  const token = await issueToken({ ...server, room: `limits-${++count}`, identity: 'caller', agentName });
  const caller = await joinAsCaller({ url: server.url, token });
  callers.push(caller);
  expect(await caller.waitForAgent(60_000), worker?.output()).toBe(true);
  expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);
  return caller;
}

const saidBy = (caller: Caller) =>
  caller.transcripts.flatMap(({ who, text, final }) => (who === 'agent' && final ? [text] : []));

describe('a call', () => {
  it('whose caller is silent is asked about, and ended after as long again', async () => {
    await start({ LIMITS: JSON.stringify({ silenceMs: 5_000 }) });
    const caller = await join();
    expect(await caller.waitUntil(() => saidBy(caller).includes('Are you still there?'), 20_000)).toBe(true);
    expect(caller.gone).toBeUndefined();
    await expect.poll(() => caller.gone, { timeout: 30_000 }).toBe('ROOM_DELETED');
    expect(saidBy(caller).at(-1)).toMatch(/can’t hear anybody.*Goodbye/);
  });

  it('ends at its greatest length with a goodbye', async () => {
    await start({ LIMITS: JSON.stringify({ maxMs: 10_000 }) });
    const caller = await join();
    await expect.poll(() => caller.gone, { timeout: 40_000 }).toBe('ROOM_DELETED');
    expect(saidBy(caller).at(-1)).toMatch(/greatest length.*Goodbye/);
  });
});

it('a call process that takes more memory than a call may is ended, and the other call goes on', async () => {
  await start({ CALL_MEGABYTES: '900' });
  const [greedy, other] = [await join(), await join()];
  await greedy.room.localParticipant?.publishData(new Uint8Array(1), { reliable: true, topic: 'greedy' });
  const agentOf = (caller: Caller) => caller.room.remoteParticipants.size;
  await expect.poll(() => agentOf(greedy), { timeout: 60_000 }).toBe(0);
  const sinceMs = other.nowMs();
  await other.sendText('are you there');
  expect(await other.waitForAgentToFinish({ sinceMs, timeoutMs: 20_000 }), worker?.output()).toBe(true);
  expect(agentOf(other)).toBe(1);
});
