// Lets only the page's own origin start calls: a foreign web page must not get a token through a visitor's browser.
import type { Context, MiddlewareHandler } from 'hono';
import { isLoopback } from '../config/loopback.ts';
import { apiError } from './api-error.ts';
import type { PageAccess } from './leave.ts';

export function sameOriginOnly({ loopbackOnly, publicUrl }: PageAccess): MiddlewareHandler {
  return async (c, next) => {
    const requested = new URL(c.req.url);
    const host = c.req.header('host') ?? requested.host;
    const origin = c.req.header('origin');
    // A proxy may request this server by its own name for it, or pass on the public name.
    const isProxied = publicUrl !== undefined && (host === publicUrl.host || isLoopback(hostName(host)));
    if (isProxied && (origin === undefined || origin === publicUrl.origin)) return next();
    // A foreign host name that resolves to this machine passes the origin check, so the name itself is checked.
    if (loopbackOnly && !isLoopback(hostName(host))) {
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
  return host.replace(/:\d+$/, '');
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
