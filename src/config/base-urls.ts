// Addresses of services: unencrypted only where nobody else is on the way, as keys and callers' words travel there.
import type { Environment } from './environment.ts';
import { UserError } from './user-error.ts';

const PRIVATE_NETWORK = /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)\d/;
const PRIVATE_NETWORK_6 = /^\[(::1|f[cd][0-9a-f]{2}:.*|fe80:.*)\]$/;
/** Names of this network; a name without a dot is one, such as "silero" in a compose file. */
const PRIVATE_NAME = /^[^.:]+$|\.(local|internal|lan|home\.arpa|svc|svc\.cluster\.local)$/;

/** @throws UserError naming the variable of `…_BASE_URL` that is no URL, or is http:// across the internet */
export function checkBaseUrls(env: Environment): void {
  for (const [name, value] of Object.entries(env)) {
    if (!name.endsWith('_BASE_URL') || !value) continue;
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
      throw new UserError(
        `${name} must begin with https:// or http:// and name a host, got "${value}"`,
        'correct it in .env',
      );
    }
    refuseOpenWay(name, url, env);
  }
}

/** @throws UserError where the variable's URL is unencrypted and leads beyond this network, unless ALLOW_HTTP says that it may */
export function refuseOpenWay(name: string, url: URL, env: Environment): void {
  const isOpen = url.protocol === 'http:' || url.protocol === 'ws:';
  if (!isOpen || isPrivate(url.hostname) || env.ALLOW_HTTP === 'true') return;
  throw new UserError(
    `${name} is ${url.protocol}// to ${url.hostname}: keys and callers' words would travel there for anybody to read`,
    'use https:// or wss://, or set ALLOW_HTTP=true where the way there is safe by other means',
  );
}

function isPrivate(host: string): boolean {
  return PRIVATE_NETWORK.test(host) || PRIVATE_NETWORK_6.test(host) || PRIVATE_NAME.test(host);
}
