// Where the caller at the terminal gets its room: from the running application, or from a LiveKit server directly.
import { z } from 'zod';
import type { Environment } from '../config/environment.ts';
import { UserError } from '../config/user-error.ts';
import { createCallAccess } from '../livekit/call-access.ts';
import type { CallOptions } from './call-options.ts';

export interface RoomAccess {
  /** Websocket address of the LiveKit server. */
  readonly url: string;
  readonly token: string;
  readonly room: string;
}

const DEFAULT_ADDRESS = 'http://127.0.0.1:3000';
const CALLER_NAME = 'Caller at the terminal';
const accessSchema = z.object({ url: z.string(), token: z.string(), room: z.string() });
const errorSchema = z.object({ error: z.object({ message: z.string(), fix: z.string() }) });

/** @throws UserError when the application does not answer or refuses */
export async function requestRoom(
  options: Pick<CallOptions, 'room' | 'persona' | 'url'> & Partial<Pick<CallOptions, 'mode'>>,
  env: Environment,
  signal: AbortSignal,
): Promise<RoomAccess> {
  const { room, persona, mode } = options;
  const request = { name: CALLER_NAME, ...(room && { room }), ...(persona && { persona }), ...(mode && { mode }) };
  const { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret, AGENT_NAME: agentName } = env;
  if (options.url || !url || !apiKey || !apiSecret) {
    return askApplication(request, options.url ?? new URL(DEFAULT_ADDRESS), signal);
  }
  return createCallAccess({ url, apiKey, apiSecret, agentName })(request);
}

async function askApplication(request: object, address: URL, signal: AbortSignal): Promise<RoomAccess> {
  const response = await fetch(new URL('/api/calls', address), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  }).catch((error: Error) => {
    signal.throwIfAborted();
    const reason = error.name === 'TimeoutError' ? 'no answer within 10 s' : causeOf(error);
    throw new UserError(
      `the application at ${address.origin} can't be reached: ${reason}`,
      'start it with pnpm dev:bulletproof, or name its address with --url',
      { cause: error },
    );
  });
  const body: unknown = await response.json().catch(() => undefined);
  const access = accessSchema.safeParse(body);
  if (response.ok && access.success) return access.data;
  const told = errorSchema.safeParse(body);
  if (told.success) throw new UserError(told.data.error.message, told.data.error.fix);
  throw new UserError(
    `${address.origin} answered ${response.status} and no room`,
    'give the address of pnpm dev:bulletproof with --url',
  );
}

function causeOf(error: Error): string {
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' ? 'nothing listens there' : (code ?? message);
}
