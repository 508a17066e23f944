// Headers that keep the page to itself: its own scripts, its own styles, and the LiveKit server.
import type { MiddlewareHandler } from 'hono';

/** @param livekitUrl where the page may connect beside its own origin; without it, anywhere */
export function securityHeaders(livekitUrl?: string): MiddlewareHandler {
  const headers = Object.entries({
    'Content-Security-Policy': contentSecurityPolicy(livekitUrl),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'microphone=(self), camera=(), geolocation=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  return async (c, next) => {
    await next();
    for (const [name, value] of headers) c.res.headers.set(name, value);
  };
}

function contentSecurityPolicy(livekitUrl: string | undefined): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    `connect-src 'self' ${livekitUrl ? livekitSources(livekitUrl) : 'ws: wss: http: https:'}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The client opens a websocket and, when that fails, asks the same server over HTTP for the reason. */
function livekitSources(livekitUrl: string): string {
  const { protocol, host } = new URL(livekitUrl);
  const secure = protocol === 'wss:' || protocol === 'https:';
  // LiveKit Cloud sends the client on to the nearest of its regions.
  const hosts = host.endsWith('.livekit.cloud') ? [host, '*.livekit.cloud'] : [host];
  return hosts
    .flatMap((name) => (secure ? [`wss://${name}`, `https://${name}`] : [`ws://${name}`, `http://${name}`]))
    .join(' ');
}
