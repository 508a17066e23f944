// Source 5: the official image, run by Docker.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { makePrivateFolder } from '../../config/private-folder.ts';
import { runCommand } from './command.ts';
import { findProgram } from './find-program.ts';
import { type LaunchPlan, type SourceContext, SourceUnavailable } from './source.ts';

const DAEMON_TIMEOUT_MS = 10_000;
const PULL_STALL_MS = 3 * 60_000;

export async function serverInDocker(context: SourceContext): Promise<LaunchPlan> {
  const { pin, config, env, signal } = context;
  const docker = await findDocker(context);
  const run = (args: readonly string[], limits: { timeoutMs?: number; stallMs?: number }) =>
    runCommand(docker, args, { env, signal, ...limits });
  const image = `livekit/livekit-server:v${pin.version}@${pin.imageDigest}`;
  const isThere = await run(['image', 'inspect', '--format', '{{.Id}}', image], { timeoutMs: DAEMON_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
  signal.throwIfAborted();
  if (!isThere) {
    context.onProgress(`docker pull ${image}`);
    await run(['pull', image], { stallMs: PULL_STALL_MS }).catch((error: Error) => {
      signal.throwIfAborted();
      throw new SourceUnavailable(`docker pull failed: ${error.message}`);
    });
  }
  const container = `bulletproof-livekit-${createHash('sha256').update(config.file).digest('hex').slice(0, 12)}`;
  // Removes the container that a killed run left; the error when there is none is ignored.
  await run(['rm', '--force', container], { timeoutMs: DAEMON_TIMEOUT_MS }).catch(() => signal.throwIfAborted());
  const network = context.platform === 'linux' ? hostNetwork(context) : await publishedPorts(context);
  const args = ['run', '--rm', '--name', container, ...network, image, '--config', '/livekit.yaml'];
  return { origin: 'docker', version: pin.version, command: docker, args, container };
}

/** @throws SourceUnavailable when it is not there or its daemon does not answer */
export async function findDocker({ env, signal }: SourceContext): Promise<string> {
  const docker = await findProgram('docker', env);
  if (!docker) throw new SourceUnavailable('Docker is not on PATH');
  const args = ['version', '--format', '{{.Server.Version}}'];
  await runCommand(docker, args, { env, signal, timeoutMs: DAEMON_TIMEOUT_MS }).catch((error: Error) => {
    signal.throwIfAborted();
    throw new SourceUnavailable(`Docker does not answer: ${error.message}`);
  });
  return docker;
}

function hostNetwork({ config }: SourceContext): readonly string[] {
  return ['--network', 'host', '--volume', `${config.file}:/livekit.yaml:ro`];
}

/** Docker Desktop's host network passes no media, so ports are published and the server listens on all addresses in the container. */
async function publishedPorts({ config, stateDirectory }: SourceContext): Promise<readonly string[]> {
  const document = parseDocument(await readFile(config.file, 'utf8'));
  for (const path of [
    ['bind_addresses'],
    ['rtc', 'ips'],
    ['rtc', 'interfaces'],
    ['rtc', 'enable_loopback_candidate'],
  ]) {
    document.deleteIn(path);
  }
  await makePrivateFolder(stateDirectory);
  const file = join(stateDirectory, 'livekit.docker.yaml');
  // The file holds the key.
  await writeFile(file, document.toString(), { mode: 0o600 });
  const publish = (port: number, protocol: string) => ['--publish', `${config.host}:${port}:${port}/${protocol}`];
  return [
    ...publish(config.port, 'tcp'),
    ...(config.rtcTcpPort ? publish(config.rtcTcpPort, 'tcp') : []),
    ...config.rtcUdpPorts.flatMap((port) => publish(port, 'udp')),
    '--volume',
    `${file}:/livekit.yaml:ro`,
  ];
}
