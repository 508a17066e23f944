// Who gets an agent: with a name, only the calls that ask for it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { issueToken } from '../../src/livekit/tokens.ts';
import { type SpawnedWorker, spawnWorker } from '../support/spawn-worker.ts';
import { startTestServer, type TestServer } from './support/server.ts';

describe('a worker with a name', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-dispatch-'));
  const callers: Caller[] = [];
  let server: TestServer;
  let worker: SpawnedWorker;

  beforeAll(async () => {
    server = await startTestServer();
    const env = { HEARD_FILE: join(directory, 'heard.jsonl') };
    worker = await spawnWorker(new URL('./support/tones-job.ts', import.meta.url), server, { env, agentName: 'desk' });
  });
  afterAll(async () => {
    for (const caller of callers) await caller.leave();
    await worker?.stop();
    await server?.stop();
    rmSync(directory, { recursive: true });
  });

  const call = async (room: string, agentName?: string) => {
    const token = await issueToken({ ...server, room, identity: 'caller', agentName });
    const caller = await joinAsCaller({ url: server.url, token });
    callers.push(caller);
    return caller;
  };

  it('answers a call that asks for it, and leaves others alone', async () => {
    const plain = await call('nobody-asked');
    const asking = await call('somebody-asked', 'desk');
    expect(await asking.waitForAgent(60_000)).toBe(true);
    expect(await asking.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);
    // It joined first, and a warm process was free for it.
    expect(await plain.waitForAgent(1_000)).toBe(false);
  });
});
