// Who may use the talk page's API: this machine, whoever has the operator's token or a link signed with it, and, for what is public, anybody.
import { createHmac } from 'node:crypto';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { isLoopback } from '../config/loopback.ts';
import { isSameSecret } from '../config/same-secret.ts';
import { UserError } from '../config/user-error.ts';
import { apiError } from './api-error.ts';

/** `full`: all personas, and a room name of the caller's choice. `public`: only the personas' public modes, at a limited rate. */
export type Leave = 'full' | 'public';

export type LeaveEnv = { Variables: { leave: Leave } };

export interface PageAccess {
  /** Whether the server listens on loopback addresses only. */
  readonly loopbackOnly: boolean;
  /** Bearer token of the operator; when it is set, the API answers only requests with a leave. */
  readonly token?: string | undefined;
  /** Address at which others reach the page through a proxy: "https://talk.example.com". */
  readonly publicUrl?: URL | undefined;
}

const LEAST_TOKEN_CHARS = 16;

/** @throws UserError for a token or URL that is none, and where others would reach the page without any bound */
export function pageAccess(host: string, env: Readonly<Record<string, string | undefined>>): PageAccess {
  const { HTTP_TOKEN: token, PUBLIC_URL: url } = env;
  const loopbackOnly = isLoopback(host);
  if (token !== undefined && token.length < LEAST_TOKEN_CHARS) {
    throw new UserError(
      `HTTP_TOKEN must have at least ${LEAST_TOKEN_CHARS} characters, got ${token.length}`,
      'make one with: openssl rand -base64 32',
    );
  }
  if (!loopbackOnly && token === undefined && url === undefined) {
    throw new UserError(
      `HTTP_HOST is ${host}, so others could reach the talk page, which hands out calls`,
      'set HTTP_TOKEN (only who has it, or a link signed with it, may call) or PUBLIC_URL (anybody may call the public personas), or leave HTTP_HOST empty',
    );
  }
  return { loopbackOnly, token, publicUrl: url === undefined ? undefined : publicUrlOf(url) };
}

function publicUrlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHere = url !== undefined && isLoopback(url.hostname);
  if (url && (url.protocol === 'https:' || (url.protocol === 'http:' && isHere)) && url.pathname === '/') return url;
  throw new UserError(
    `PUBLIC_URL must be the https:// address of the talk page without a path, got "${text}"`,
    'correct it, such as https://talk.example.com (browsers give the microphone to https pages only)',
  );
}

/** Sets `leave`; answers 401 when the request has none. Tokens are compared in constant time. */
export function leaveRequired(access: PageAccess, nowMs: () => number = Date.now): MiddlewareHandler<LeaveEnv> {
  return async (c, next) => {
    const leave = leaveOf(c, access, nowMs());
    if (!leave) {
      const fix = 'open the page by the link that the operator gave you, or send Authorization: Bearer <HTTP_TOKEN>';
      return c.json(apiError('this page is for invited callers', fix), 401, { 'WWW-Authenticate': 'Bearer' });
    }
    c.set('leave', leave);
    return next();
  };
}

function leaveOf(c: Context, access: PageAccess, nowMs: number): Leave | undefined {
  const { token, publicUrl, loopbackOnly } = access;
  const given = /^Bearer (\S{1,1000})$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (token !== undefined) {
    if (given !== undefined && isSameSecret(given, token)) return 'full';
    return given !== undefined && isSignedLeave(given, token, nowMs) ? 'public' : undefined;
  }
  // Behind a proxy every request comes from this machine, so the address proves nothing.
  return loopbackOnly && publicUrl === undefined ? 'full' : 'public';
}

/** A leave for the public personas until `untilMs` (since 1970), to be part of a link; making it needs the token. */
export function signLeave(token: string, untilMs: number): string {
  const until = Math.round(untilMs / 1000).toString();
  return `${until}.${createHmac('sha256', token).update(`leave ${until}`).digest('base64url')}`;
}

function isSignedLeave(given: string, token: string, nowMs: number): boolean {
  const untilMs = Number(given.split('.')[0]) * 1000;
  return untilMs > nowMs && isSameSecret(given, signLeave(token, untilMs));
}

/** Address that a request counts for. With PUBLIC_URL set there is a proxy, which appends its client's address to the header. */
export function addressOf(c: Context, { publicUrl }: PageAccess): string {
  const forwarded = publicUrl && c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim();
  if (forwarded) return forwarded.slice(0, 64);
  try {
    return getConnInfo(c).remote.address ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
