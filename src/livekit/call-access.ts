// Lets a caller of the talk page or of `pnpm call` into a room of its own.
import { randomUUID } from 'node:crypto';
import { issueToken } from './tokens.ts';

export interface CallAccessOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly agentName?: string | undefined;
}

export interface CallAccessRequest {
  readonly persona?: string;
  readonly name?: string;
  readonly language?: string;
  /** A name of one's own for the room; a new one where absent. */
  readonly room?: string;
}

export interface CallAccess {
  readonly url: string;
  readonly token: string;
  readonly room: string;
  readonly identity: string;
}

export function createCallAccess(options: CallAccessOptions): (request: CallAccessRequest) => Promise<CallAccess> {
  const { url, apiKey, apiSecret, agentName } = options;
  return async ({ persona, name, language, room = `talk-${shortId()}` }) => {
    const identity = `caller-${shortId()}`;
    const attributes = { ...(persona && { persona }), ...(language && { language }) };
    const token = await issueToken({ apiKey, apiSecret, room, identity, name, attributes, agentName });
    return { url, token, room, identity };
  };
}

function shortId(): string {
  return randomUUID().slice(0, 8);
}
