// Lets only the page's own origin start calls: a foreign web page must not get a token through a visitor's browser.
import type { Context, MiddlewareHandler } from 'hono';
import { apiError } from './api-error.ts';

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface SameOriginOptions {
  readonly loopbackOnly: boolean;
  readonly allowedOrigins: readonly string[];
}

export function sameOriginOnly({ loopbackOnly, allowedOrigins }: SameOriginOptions): MiddlewareHandler {
  return async (c, next) => {
    const requested = new URL(c.req.url);
    const host = c.req.header('host') ?? requested.host;
    const origin = c.req.header('origin');
    if (origin !== undefined && allowedOrigins.includes(origin)) return next();
    // A name of somebody else's that resolves to this machine passes the origin check, so the name itself is checked.
    if (loopbackOnly && !LOOPBACK_NAMES.has(hostName(host))) {
      return refuse(c, `this server is not reached as ${host}`, 'open it at http://localhost');
    }
    if (origin !== undefined && originHost(origin) !== host) {
      return refuse(c, `pages of ${origin} may not use this server`, "open the server's own page");
    }
    return next();
  };
}

function refuse(c: Context, message: string, fix: string): Response {
  return c.json(apiError(message, fix), 403);
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
