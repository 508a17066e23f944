// Reads from livekit.yaml what the launcher must know: ports and keys. The server itself reads the rest.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { UserError } from '../../config/user-error.ts';

const port = z.number().int().min(1).max(65_535);

const schema = z.looseObject({
  port: port.default(7880),
  bind_addresses: z.array(z.string()).optional(),
  rtc: z
    .looseObject({
      tcp_port: z.number().int().min(0).max(65_535).default(7881),
      udp_port: z.union([port, z.string().regex(/^\d+\s*-\s*\d+$/, 'expected a port or "first-last"')]).optional(),
    })
    .default({ tcp_port: 7881 }),
  keys: z.record(z.string(), z.string()).default({}),
});

export interface ServerConfig {
  readonly file: string;
  /** Port for HTTP and WebSocket. */
  readonly port: number;
  /** Host at which this machine reaches the server. */
  readonly host: string;
  /** Undefined means all addresses. */
  readonly bindAddresses: readonly string[] | undefined;
  /** 0 where TCP is off. */
  readonly rtcTcpPort: number;
  /** Empty where the server picks ports from a wide range. */
  readonly rtcUdpPorts: readonly number[];
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** @throws UserError naming the file and the setting that is missing or wrong */
export async function readServerConfig(file: string): Promise<ServerConfig> {
  const name = basename(file);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`cannot read ${file}: ${error.message}`, `restore it: git checkout ${name}`);
  });
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem) {
    throw new UserError(
      `${name}:${problem.linePos?.[0].line ?? 1}: ${firstLine(problem.message)}`,
      'correct that line',
    );
  }
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UserError(`${name}: ${issue?.path.join('.')}: ${issue?.message}`, 'correct that setting');
  }
  const { keys, rtc, bind_addresses: bindAddresses } = parsed.data;
  const [apiKey, apiSecret] = Object.entries(keys)[0] ?? [];
  if (!apiKey || !apiSecret || apiSecret.length < 32) {
    throw new UserError(
      `${name}: keys: expected an API key with a secret of at least 32 characters`,
      'add "keys:" and beneath it "devkey: <secret>", such as from openssl rand -base64 32',
    );
  }
  return {
    file,
    port: parsed.data.port,
    host: reachableHost(bindAddresses),
    bindAddresses,
    rtcTcpPort: rtc.tcp_port,
    rtcUdpPorts: portsOf(rtc.udp_port),
    apiKey,
    apiSecret,
  };
}

function reachableHost(bindAddresses: readonly string[] | undefined): string {
  const first = bindAddresses?.[0];
  return !first || ['', '0.0.0.0', '::'].includes(first) ? '127.0.0.1' : first;
}

function portsOf(setting: number | string | undefined): readonly number[] {
  if (setting === undefined) return [];
  if (typeof setting === 'number') return [setting];
  const [first = 0, last = 0] = setting.split('-').map(Number);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? text;
}
