// Lets a caller of the talk page or of `pnpm call` into a room of its own.
import { randomUUID } from 'node:crypto';
import type { CallAccess, CallRequest } from '../config/call-request.ts';
import { UserError } from '../config/user-error.ts';
import { issueToken } from './tokens.ts';

export interface CallAccessOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly agentName?: string | undefined;
  /** Takes a place at the worker for the room; false when the worker has none. */
  readonly expect?: (room: string) => boolean;
}

/** Time to join with the token; a participant who is in the room may stay. */
const TTL_SECONDS = 5 * 60;

export function createCallAccess(options: CallAccessOptions): (request: CallRequest) => Promise<CallAccess> {
  const { url, apiKey, apiSecret, agentName, expect = () => true } = options;
  return async ({ persona, mode, name, language, room = `talk-${shortId()}` }) => {
    if (!expect(room)) {
      throw new UserError('all lines are busy: this worker takes no further call now', 'call again in a minute');
    }
    const identity = `caller-${shortId()}`;
    const attributes = { ...(persona && { persona }), ...(mode && { mode }), ...(language && { language }) };
    const token = await issueToken({
      apiKey,
      apiSecret,
      room,
      identity,
      name,
      attributes,
      agentName,
      ttlSeconds: TTL_SECONDS,
      microphoneOnly: true,
    });
    return { url, token, room, identity };
  };
}

function shortId(): string {
  return randomUUID().slice(0, 8);
}
