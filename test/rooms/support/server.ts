// A real LiveKit server for a room test, on free ports of loopback, from the launcher's cache (built there when it is missing).
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { readEnvironment } from '../../../src/config/environment.ts';
import { startLocalServer } from '../../../src/livekit/local-server.ts';
import { createLogger } from '../../../src/telemetry/log.ts';

export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));

export interface TestServer {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly pid: number;
  /** What the server wrote: read it when a test fails. */
  readonly logFile: string;
  stop(): Promise<void>;
}

/** A build takes minutes on a slow machine. */
const START_TIMEOUT_MS = 20 * 60_000;

/** Call `stop` in `afterAll`, whatever happened. */
export async function startTestServer(): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'bulletproof-livekit-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const configFile = await writeTestConfig(directory);
    const server = await startLocalServer({
      root: repositoryRoot,
      configFile,
      stateDir: directory,
      env: readEnvironment(directory),
      log: createLogger({ level: 'warn' }),
      signal: AbortSignal.timeout(START_TIMEOUT_MS),
    });
    const stop = async () => {
      await server.stop();
      await remove();
    };
    const { url, apiKey, apiSecret, pid, logFile } = server;
    return { url, apiKey, apiSecret, pid, logFile, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Writes the repository's configuration with free ports and a key of its own, and returns its path. */
export async function writeTestConfig(directory: string): Promise<string> {
  const [port, tcpPort] = await freeTcpPorts(2);
  const udpPort = await freeUdpPort();
  const configFile = join(directory, 'livekit.yaml');
  const document = parseDocument(await readFile(join(repositoryRoot, 'livekit.yaml'), 'utf8'));
  document.set('port', port);
  document.setIn(['rtc', 'tcp_port'], tcpPort);
  document.setIn(['rtc', 'udp_port'], udpPort);
  document.set('keys', { testkey: 'a-secret-for-tests-of-more-than-32-characters' });
  await writeFile(configFile, document.toString());
  return configFile;
}

/** All of them different. */
export async function freeTcpPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(...TEST_PORTS);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

/** Below those that the system gives to outgoing connections, which would take one between its choice and its use. */
const TEST_PORTS = [15_000, 32_000] as const;

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '::', () => server.close(() => resolve(true)));
  });
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
