// What strangers and hostile vendors do to the application as it is started: calls go on, and nobody gets what is not theirs.
import { RoomServiceClient } from 'livekit-server-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOpenRouter } from '../../fixtures/vendors/openrouter.ts';
import { signLeave } from '../../src/http/leave.ts';
import { joinAsCaller } from '../../src/livekit/caller.ts';
import { descendantsOf, isRunning } from '../support/process-tree.ts';
import { type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { freeTcpPorts, startTestServer, type TestServer } from './support/server.ts';

const TOKEN = 'a-token-of-the-operator';
const HOUR_MS = 3_600_000;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function startMain(env: Record<string, string>): Promise<{ main: MainProcess; url: string }> {
  const [port] = (await freeTcpPorts(1)) as [number];
  const access = { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: server.apiKey, LIVEKIT_API_SECRET: server.apiSecret };
  const main = spawnMain({ args: ['--no-open', '--port', `${port}`], env: { ...access, LOG_FORMAT: 'json', ...env } });
  await main.says(/ready: talk at/);
  return { main, url: `http://127.0.0.1:${port}` };
}

async function end(main: MainProcess): Promise<void> {
  const children = descendantsOf(main.pid);
  main.kill('SIGINT');
  await main.exited;
  expect(children.filter(isRunning)).toEqual([]);
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

describe('a vendor that is full until the end of time', () => {
  it('is left alone for an hour at most, and every call goes on', async () => {
    const openrouter = await startOpenRouter();
    const { main, url } = await startMain({ OPENROUTER_API_KEY: 'or-key', OPENROUTER_BASE_URL: openrouter.url });
    try {
      const hostile = { kind: 'status', status: 429, retryAfterS: 2 ** 63 } as const;
      // Not for good: free checks would meet it before the call does.
      openrouter.faults.fail(hostile, 50);
      const response = await fetch(`${url}/api/calls`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{}',
      });
      const caller = await joinAsCaller((await response.json()) as { url: string; token: string });
      expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 40_000 })).toBe(true);
      const sinceMs = caller.nowMs();
      await caller.sendText('what does it cost');
      expect(await caller.waitForAgentToFinish({ sinceMs, timeoutMs: 40_000 })).toBe(true);
      expect(openrouter.requests.some(({ path }) => path.endsWith('/chat/completions'))).toBe(true);
      await main.says('rate_limit_hit');
      const { stages } = (await (await fetch(`${url}/api/providers`)).json()) as {
        stages: { stage: string; providers: { id: string; state: string; until?: string }[] }[];
      };
      const shown = stages.find(({ stage }) => stage === 'llm')?.providers.find(({ id }) => id === 'openrouter');
      expect(shown?.state).toBe('left-alone');
      expect(Date.parse(shown?.until ?? '')).toBeLessThan(Date.now() + HOUR_MS + 1_000);
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      await caller.leave();
    } finally {
      await end(main);
      await openrouter.close();
    }
  });
});

describe('a talk page that others reach', () => {
  it('is refused at the start without a token or an address, and with a published key', async () => {
    const refused = async (env: Record<string, string>) => {
      const main = spawnMain({ args: ['--no-open', '--port', '3999'], env });
      expect((await main.exited).code).toBe(1);
      return main.errors();
    };
    expect(await refused({ HTTP_HOST: '0.0.0.0' })).toMatch(/others could reach the talk page.*\n?.*HTTP_TOKEN/);
    const access = { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: 'devkey', LIVEKIT_API_SECRET: 'secret' };
    expect(await refused({ ...access, HTTP_HOST: '0.0.0.0', HTTP_TOKEN: TOKEN })).not.toBe('');
  });

  it('lets an invited caller into a room of their own with a microphone, and nowhere else', async () => {
    const { main, url } = await startMain({ HTTP_TOKEN: TOKEN, PUBLIC_URL: 'https://talk.example.com' });
    try {
      const call = (body: unknown, leave?: string) =>
        fetch(`${url}/api/calls`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...(leave && { Authorization: `Bearer ${leave}` }) },
          body: JSON.stringify(body),
        });
      const leave = signLeave(TOKEN, Date.now() + HOUR_MS);
      expect((await call({})).status).toBe(401);
      expect((await call({ room: 'of-another-caller' }, leave)).status).toBe(403);
      expect((await call({ metadata: '{"persona":"support"}' }, leave)).status).toBe(400);
      const response = await call({ persona: 'sales', name: 'Ada' }, leave);
      expect(response.status).toBe(201);
      const { token, room } = (await response.json()) as { token: string; room: string };
      const { video, exp, nbf, iat, metadata, sub } = claimsOf(token);
      expect(video).toEqual({
        room,
        roomJoin: true,
        canPublish: true,
        canPublishData: true,
        canSubscribe: true,
        canPublishSources: ['microphone'],
      });
      expect(exp - (nbf ?? iat)).toBeLessThanOrEqual(300);
      expect([metadata ?? '', sub]).toEqual(['', expect.stringMatching(/^caller-/)]);
      // It is no key to the server's API.
      const stranger = new RoomServiceClient(server.url, 'stranger', token);
      await expect(stranger.listRooms()).rejects.toThrow();
      expect(main.output()).not.toContain(TOKEN);
      expect(main.output()).not.toContain(token);
    } finally {
      await end(main);
    }
  });
});
