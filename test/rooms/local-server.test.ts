// The real server, by the real launcher: it takes its keys, refuses others, and its ports are free again at the end.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RoomServiceClient } from 'livekit-server-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkPortsFree } from '../../src/livekit/local-server/ports.ts';
import { identifyProcess } from '../../src/livekit/local-server/process-identity.ts';
import { readServerConfig, type ServerConfig } from '../../src/livekit/local-server/server-config.ts';
import { checkCredentials } from '../../src/livekit/server-access.ts';
import { repositoryRoot, startTestServer, type TestServer } from './support/server.ts';

let server: TestServer;
let config: ServerConfig;
const { signal } = new AbortController();

beforeAll(async () => {
  server = await startTestServer();
  config = await readServerConfig(join(dirname(server.logFile), 'livekit.yaml'));
});

afterAll(() => server?.stop());

test('takes its keys and holds a room', async () => {
  await checkCredentials(server, { signal });
  const rooms = new RoomServiceClient(server.url, server.apiKey, server.apiSecret);
  await rooms.createRoom({ name: 'r1', metadata: '{"persona":"sales"}' });
  expect((await rooms.listRooms(['r1'])).map((room) => room.metadata)).toEqual(['{"persona":"sales"}']);
});

test.each([
  [{ apiSecret: 'x'.repeat(40) }, 'LIVEKIT_API_SECRET does not fit'],
  [{ apiKey: 'other' }, 'it does not know LIVEKIT_API_KEY'],
])('refuses other keys without showing them: %o', async (wrong, message) => {
  const error = await checkCredentials({ ...server, ...wrong }, { signal }).catch((caught: Error) => caught);
  expect(error).toMatchObject({ name: 'UserError', message: expect.stringContaining(message) });
  expect(String(error)).not.toMatch(/x{40}|eyJ/);
});

test('its ports are taken while it runs, by the process that we started', async () => {
  await expect(checkPortsFree(config)).rejects.toThrow(`is in use by livekit-server, process ${server.pid}`);
  const media = { ...config, port: config.port, rtcTcpPort: 0 };
  await expect(checkPortsFree({ ...media, bindAddresses: [] })).rejects.toThrow(
    new RegExp(`UDP port ${config.rtcUdpPorts[0]} \\(LiveKit media\\) is in use`),
  );
});

test('reads the livekit.yaml of this repository without a complaint', async () => {
  const ours = await readServerConfig(join(repositoryRoot, 'livekit.yaml'));
  expect(ours).toMatchObject({ port: 7880, rtcTcpPort: 7881, rtcUdpPorts: [7882], host: '127.0.0.1' });
});

test('after its end nothing runs and its ports are free', async () => {
  const log = await readFile(server.logFile, 'utf8');
  expect(log).toContain('starting LiveKit server');
  await server.stop();
  expect(await identifyProcess(server.pid)).toBeUndefined();
  await checkPortsFree(config);
});
