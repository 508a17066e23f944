// Checks before the start that the server's ports are free, so that the error can name who holds them.
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type PortHolder, portHolder } from '../../config/port-holder.ts';
import { UserError } from '../../config/user-error.ts';
import type { ServerConfig } from './server-config.ts';

export interface NeededPort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly hosts: readonly string[];
  readonly purpose: string;
  /** What the user can do to get another port. */
  readonly change: string;
}

/** Of a wide UDP range only this many ports are tried. */
const MAX_UDP_PORTS = 8;

export function neededPorts(config: ServerConfig): readonly NeededPort[] {
  const hosts = config.bindAddresses ?? ['::'];
  const ports: NeededPort[] = [
    { port: config.port, protocol: 'tcp', hosts, purpose: 'LiveKit HTTP', change: changeSetting('port') },
  ];
  if (config.rtcTcpPort > 0) {
    const media = { purpose: 'LiveKit media over TCP', change: changeSetting('rtc.tcp_port') };
    ports.push({ port: config.rtcTcpPort, protocol: 'tcp', hosts: ['::'], ...media });
  }
  for (const port of config.rtcUdpPorts.slice(0, MAX_UDP_PORTS)) {
    ports.push({
      port,
      protocol: 'udp',
      hosts: [config.host],
      purpose: 'LiveKit media',
      change: changeSetting('rtc.udp_port'),
    });
  }
  return ports;
}

function changeSetting(name: string): string {
  return `change \`${name}\` in livekit.yaml`;
}

/**
 * @param patienceMs a process that was just ended may have threads that hold its ports for a moment longer
 * @throws UserError naming the first port that is taken, by whom, and what to change
 */
export async function checkPortsFree(config: ServerConfig, patienceMs = 0): Promise<void> {
  const until = Date.now() + patienceMs;
  for (const needed of neededPorts(config)) {
    let problem = await portProblem(needed);
    while (problem && !problem.holder && Date.now() < until) {
      await sleep(50);
      problem = await portProblem(needed);
    }
    if (problem) throw problem.error;
  }
}

/** Why the port can't be opened, and the program that holds it; undefined when the port is free. */
export async function portProblem(
  needed: NeededPort,
): Promise<{ readonly error: UserError; readonly holder: PortHolder | undefined } | undefined> {
  for (const host of needed.hosts) {
    const code = needed.protocol === 'tcp' ? await tryTcp(needed.port, host) : await tryUdp(needed.port, host);
    if (!code) continue;
    const holder = code === 'EADDRINUSE' ? await holderOf(needed) : undefined;
    return { error: portError(needed, code, host, holder), holder };
  }
  return undefined;
}

function holderOf({ protocol, port }: NeededPort): Promise<PortHolder | undefined> {
  return protocol === 'tcp' ? portHolder(port) : udpPortHolder(port);
}

function portError(needed: NeededPort, code: string, host: string, holder: PortHolder | undefined): UserError {
  const label = `${needed.protocol.toUpperCase()} port ${needed.port} (${needed.purpose})`;
  const change = needed.change;
  if (code === 'EACCES') return new UserError(`${label} may not be opened by this user`, `${change} to one above 1023`);
  if (code !== 'EADDRINUSE') return new UserError(`${label} cannot be opened on ${host}: ${code}`, change);
  if (!holder) return new UserError(`${label} is in use by another program`, `end that program, or ${change}`);
  const blame = `${holder.command}, process ${holder.pid}`;
  return new UserError(`${label} is in use by ${blame}`, `end it with kill ${holder.pid}, or ${change}`);
}

/** The error code of listening; undefined when it works, or when this machine has no such address family. */
function tryTcp(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(refusal(error, host)));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function tryUdp(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(refusal(error, host));
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

function refusal(error: NodeJS.ErrnoException, host: string): string | undefined {
  if (host === '::' && (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL')) return undefined;
  return error.code ?? error.message;
}

/** Only the system tools ss and lsof know the holder; undefined when neither names one. */
async function udpPortHolder(port: number): Promise<PortHolder | undefined> {
  const run = promisify(execFile);
  try {
    if (process.platform === 'linux') {
      const { stdout } = await run('ss', ['-Hlunp', `sport = :${port}`], { timeout: 2_000 });
      const match = /\("([^"]+)",pid=(\d+)/.exec(stdout);
      if (match) return { command: match[1] as string, pid: Number(match[2]) };
    }
    const { stdout } = await run('lsof', ['-nP', `-iUDP:${port}`, '-Fpc'], { timeout: 2_000 });
    const pid = /^p(\d+)$/m.exec(stdout)?.[1];
    const command = /^c(.+)$/m.exec(stdout)?.[1];
    return pid && command ? { pid: Number(pid), command } : undefined;
  } catch {
    return undefined;
  }
}
