// Decides which LiveKit server serves: the one that LIVEKIT_URL names, or one started on this machine.
import { RoomServiceClient } from 'livekit-server-sdk';
import { refuseOpenWay } from '../config/base-urls.ts';
import type { Environment } from '../config/environment.ts';
import { UserError } from '../config/user-error.ts';
import type { Logger } from '../telemetry/log.ts';
import { type ServerOrigin, startLocalServer } from './local-server.ts';

export interface ServerCredentials {
  /** ws:// or wss://. */
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

export interface ServerAccess extends ServerCredentials {
  /** `given` for the server that LIVEKIT_URL names. */
  readonly origin: 'given' | ServerOrigin;
  /** Resolves with the exit code or signal when a server that we started has ended. */
  readonly ended?: Promise<string>;
  /** Ends a server that we started; does nothing to a given one. */
  stop(): Promise<void>;
}

export interface ServerAccessOptions {
  /** Root of the repository. */
  readonly root: string;
  readonly env: Environment;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onProgress?: (text: string) => void;
  /** Time limit for the check of a given server. */
  readonly timeoutMs?: number;
}

/** Secrets of this repository's livekit.yaml and of `livekit-server --dev`: anybody can make tokens with them. */
const PUBLISHED_SECRETS = new Set(['development-only-secret-of-this-repository', 'secret']);

/** @throws UserError where others reach the page, and the key is one that everybody knows */
export function refusePublishedKey({ apiKey, apiSecret }: ServerCredentials): void {
  if (!PUBLISHED_SECRETS.has(apiSecret)) return;
  throw new UserError(
    `others can reach the talk page, and the LiveKit key "${apiKey}" is a published one: anybody could join any call`,
    'put a key of your own into livekit.yaml (openssl rand -base64 32), or use a LiveKit server with its own keys',
  );
}

const CHECK_TIMEOUT_MS = 8_000;

/**
 * @throws UserError when the given server can't be reached or refuses the keys, or when none can be started here;
 *   the signal's reason at an abort
 */
export async function accessServer(options: ServerAccessOptions): Promise<ServerAccess> {
  const { env, log, signal, timeoutMs } = options;
  const given = givenCredentials(env);
  if (given) {
    await checkCredentials(given, { signal, ...(timeoutMs !== undefined && { timeoutMs }) });
    log.info({ event: 'livekit.given', url: given.url }, `LiveKit server at ${given.url}, as LIVEKIT_URL says`);
    return { ...given, origin: 'given', stop: async () => undefined };
  }
  if (env.LIVEKIT_API_KEY || env.LIVEKIT_API_SECRET) {
    const message =
      'LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not used: LIVEKIT_URL is not set, and the local server has its keys in livekit.yaml';
    log.warn({ event: 'livekit.keys_unused' }, message);
  }
  const { url, apiKey, apiSecret, origin, ended, stop } = await startLocalServer(options);
  return { url, apiKey, apiSecret, origin, ended, stop };
}

/**
 * The server and keys of LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET; undefined when LIVEKIT_URL is not set.
 * @throws UserError when the URL is none, or open to be read on its way, or a key is missing
 */
export function givenCredentials(env: Environment): ServerCredentials | undefined {
  const given = env.LIVEKIT_URL;
  if (!given) return undefined;
  const url = websocketUrl(given);
  refuseOpenWay('LIVEKIT_URL', new URL(url), env);
  const { LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = env;
  const missing = [!apiKey && 'LIVEKIT_API_KEY', !apiSecret && 'LIVEKIT_API_SECRET'].filter(Boolean);
  if (!apiKey || !apiSecret) {
    throw new UserError(
      `LIVEKIT_URL is set, but ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not`,
      'set it in .env to the key of that server, or remove LIVEKIT_URL to start a server here',
    );
  }
  return { url, apiKey, apiSecret };
}

function websocketUrl(given: string): string {
  const match = /^(wss?|https?):\/\/[^/\s]+/i.exec(given.trim());
  if (!match || !URL.canParse(given.trim())) {
    throw new UserError(
      `LIVEKIT_URL must begin with ws://, wss://, http:// or https:// and name a host, got "${given}"`,
      'correct it, such as wss://my-project.livekit.cloud, or remove it to start a server here',
    );
  }
  return given.trim().replace(/^http/i, 'ws').replace(/\/+$/, '');
}

/** Asks the server for a room that does not exist. @throws UserError when it can't be reached or refuses the keys */
export async function checkCredentials(
  { url, apiKey, apiSecret }: ServerCredentials,
  { signal, timeoutMs = CHECK_TIMEOUT_MS }: { signal: AbortSignal; timeoutMs?: number },
): Promise<void> {
  const client = new RoomServiceClient(url, apiKey, apiSecret, { requestTimeout: timeoutMs / 1_000, failover: false });
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    signal.throwIfAborted();
    await Promise.race([client.listRooms(['bulletproof-check']), aborted]);
  } catch (error) {
    signal.throwIfAborted();
    throw accessError(error, url, timeoutMs);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function accessError(error: unknown, url: string, timeoutMs: number): UserError {
  const { status, message, name, cause } = error as Error & { status?: number };
  if (status === 401 || status === 403) {
    // The server's message is not shown, as it contains the token or the key.
    const which = /invalid API key/i.test(message)
      ? 'it does not know LIVEKIT_API_KEY'
      : 'LIVEKIT_API_SECRET does not fit';
    return new UserError(
      `the LiveKit server at ${url} refuses the keys: ${which}`,
      'set LIVEKIT_API_KEY and LIVEKIT_API_SECRET to a pair of that server, and see that the clock of this machine is right',
    );
  }
  if (status !== undefined && status >= 500) {
    return new UserError(
      `the LiveKit server at ${url} answers with status ${status}`,
      'try again later, or read its log',
    );
  }
  if (status !== undefined || error instanceof SyntaxError) {
    return new UserError(
      `no LiveKit server answers at ${url}${status ? ` (HTTP ${status})` : ''}`,
      'correct LIVEKIT_URL',
    );
  }
  const why =
    name === 'TimeoutError' || name === 'AbortError'
      ? `no answer within ${timeoutMs / 1_000} s`
      : ((cause as NodeJS.ErrnoException | undefined)?.code ?? (cause as Error | undefined)?.message ?? message);
  return new UserError(
    `the LiveKit server at ${url} cannot be reached: ${why}`,
    'correct LIVEKIT_URL, start that server, or remove LIVEKIT_URL to start one here',
  );
}
