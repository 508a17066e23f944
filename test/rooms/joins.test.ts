// More callers at once than there are places: who got one is answered, and everybody else is told.
import { Room } from '@livekit/rtc-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { joinAsCaller } from '../../src/livekit/caller.ts';
import { issueToken } from '../../src/livekit/tokens.ts';
import { isTrueWithin } from '../support/eventually.ts';
import { spawnMain } from '../support/spawn-main.ts';
import { spawnWorker } from '../support/spawn-worker.ts';
import { freeTcpPorts, startTestServer, type TestServer } from './support/server.ts';

const CALLERS = 30;
const PLACES = 10;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

it('of 30 joins at once 10 are calls, and no more', async () => {
  const env = { MAX_CALLS: `${PLACES}` };
  const agentName = 'silent';
  const worker = await spawnWorker(new URL('./support/silent-job.ts', import.meta.url), server, { env, agentName });
  const join = async ({ name, room }: { name: string; room: Room }) => {
    const token = await issueToken({ ...server, room: name, identity: 'caller', agentName });
    await room.connect(server.url, token, { autoSubscribe: true, dynacast: false });
    return room;
  };
  const rooms = Array.from({ length: CALLERS }, (_, index) => ({ name: `join-${index}`, room: new Room() }));
  try {
    await Promise.all(rooms.map(join));
    const refused = () => [...worker.output().matchAll(/^refused (.+)$/gm)].map(([, name]) => name as string);
    const answered = () => rooms.flatMap(({ name, room }) => (room.remoteParticipants.size === 1 ? [name] : []));
    await expect.poll(() => answered().length, { timeout: 90_000 }).toBe(PLACES);
    // The others were refused, or not offered any more, as the worker had told that it is full.
    expect(await isTrueWithin(5_000, () => answered().length > PLACES)).toBe(false);
    expect(refused().length).toBeGreaterThan(0);
    expect(answered().filter((name) => refused().includes(name))).toEqual([]);
    // A place that is given back is the next caller's.
    await rooms.find(({ name }) => answered().includes(name))?.room.disconnect();
    let tries = 0;
    await expect
      .poll(
        async () => {
          const name = `join-late-${++tries}`;
          const late = await join({ name, room: new Room() });
          const isAnswered = await isTrueWithin(5_000, () => late.remoteParticipants.size === 1);
          await late.disconnect();
          return isAnswered;
        },
        { timeout: 60_000 },
      )
      .toBe(true);
  } finally {
    await Promise.all(rooms.map(({ room }) => room.disconnect()));
    await worker.stop();
  }
});

it('30 callers of the page at once: 10 are let in, 20 are told that all lines are busy', async () => {
  const [port] = (await freeTcpPorts(1)) as [number];
  const access = { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: server.apiKey, LIVEKIT_API_SECRET: server.apiSecret };
  const main = spawnMain({ args: ['--no-open', '--port', `${port}`], env: access });
  try {
    await main.says(/ready: talk at/);
    const responses = await Promise.all(
      Array.from({ length: CALLERS }, () =>
        fetch(`http://127.0.0.1:${port}/api/calls`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: '{}',
        }),
      ),
    );
    const letIn = responses.filter(({ status }) => status === 201);
    const busy = responses.filter(({ status }) => status === 503);
    expect([letIn.length, busy.length]).toEqual([PLACES, CALLERS - PLACES]);
    for (const response of busy) {
      expect(await response.json()).toEqual({
        error: { message: 'all lines are busy: this worker takes no further call now', fix: 'call again in a minute' },
      });
    }
    // The worker tells the server every 2.5 s how full it is: places that are kept must not keep these very calls away.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    const caller = await joinAsCaller((await letIn[0]?.json()) as { url: string; token: string });
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 40_000 })).toBe(true);
    await caller.leave();
  } finally {
    main.kill('SIGINT');
    await main.exited;
  }
});
