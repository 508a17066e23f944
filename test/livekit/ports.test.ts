// A port in use is named, with its holder and the setting that changes it.
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkPortsFree } from '../../src/livekit/local-server/ports.ts';
import { readServerConfig, type ServerConfig } from '../../src/livekit/local-server/server-config.ts';
import { makeWorkspace, PINNED, stubServer, type Workspace } from './support/workspace.ts';

let workspace: Workspace;
let config: ServerConfig;
let close: (() => Promise<unknown>) | undefined;

beforeEach(async () => {
  workspace = await makeWorkspace();
  config = await readServerConfig(workspace.configFile);
});

afterEach(async () => {
  await close?.();
  close = undefined;
  await workspace.remove();
});

async function occupyTcp(port: number, host: string): Promise<void> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  close = () => new Promise((resolve) => server.close(resolve));
}

test('free ports pass', async () => {
  await expect(checkPortsFree(config)).resolves.toBeUndefined();
});

test.each([
  ['127.0.0.1', 'the address itself'],
  ['0.0.0.0', 'all addresses'],
])('names who listens on %s, %s', async (host) => {
  await occupyTcp(config.port, host);
  await workspace.program('livekit-server', stubServer(PINNED));
  await expect(workspace.start()).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringMatching(
      new RegExp(`^TCP port ${config.port} \\(LiveKit HTTP\\) is in use by .+, process ${process.pid}$`),
    ),
    fix: `end it with kill ${process.pid}, or change \`port\` in livekit.yaml`,
  });
});

test('names the port for media over TCP', async () => {
  await occupyTcp(config.rtcTcpPort, '127.0.0.1');
  await expect(checkPortsFree(config)).rejects.toMatchObject({
    message: expect.stringContaining(`TCP port ${config.rtcTcpPort} (LiveKit media over TCP) is in use`),
    fix: expect.stringContaining('rtc.tcp_port'),
  });
});

test('names the port for media', async () => {
  const port = config.rtcUdpPorts[0] as number;
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  close = () => new Promise<void>((resolve) => socket.close(resolve));
  await expect(checkPortsFree(config)).rejects.toMatchObject({
    message: expect.stringContaining(`UDP port ${port} (LiveKit media) is in use`),
    fix: expect.stringContaining('rtc.udp_port'),
  });
});
