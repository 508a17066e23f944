// The HTTP server: listens, says where, and closes without waiting for idle browsers.
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { portHolder } from '../config/port-holder.ts';
import { UserError } from '../config/user-error.ts';
import type { Logger } from '../telemetry/log.ts';
import { createApp } from './app.ts';
import type { HttpDeps } from './deps.ts';
import type { PageAccess } from './leave.ts';
import { loadPage } from './page-files.ts';

export interface HttpOptions {
  /** Loopback by default, as the page gives tokens to everybody who can reach it. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where absent, only this machine may use the page. */
  readonly access?: PageAccess;
  readonly deps: HttpDeps;
  readonly log: Logger;
}

export interface HttpServer {
  /** Address at which a browser opens the page (PUBLIC_URL where it is set), without a trailing slash. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the talk page, the API and the health routes.
 * @throws UserError when the port is taken (it says by whom, where that can be known) or the address is not ours
 */
export async function startHttp({
  host = '127.0.0.1',
  port,
  access = { loopbackOnly: true },
  deps,
  log,
}: HttpOptions): Promise<HttpServer> {
  const app = createApp({ deps, page: await loadPage(), log, access });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  await listen(server, host, port);
  const address = server.address();
  const boundPort = typeof address === 'object' && address ? address.port : port;
  const name = access.loopbackOnly || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return {
    url: access.publicUrl?.origin ?? `http://${name.includes(':') ? `[${name}]` : name}:${boundPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw await listenError(error as NodeJS.ErrnoException, host, port);
  }
}

async function listenError(error: NodeJS.ErrnoException, host: string, port: number): Promise<Error> {
  switch (error.code) {
    case 'EADDRINUSE': {
      const holder = await portHolder(port);
      const by = holder ? ` by ${holder.command} (process ${holder.pid})` : '';
      return new UserError(
        `port ${port} is in use${by}`,
        `stop that program, or choose another port: --port ${port + 1}`,
      );
    }
    case 'EACCES':
      return new UserError(`port ${port} is reserved for the system`, 'choose a port above 1023: --port 3000');
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UserError(`${host} is no address of this machine`, 'use 127.0.0.1, or 0.0.0.0 for every address');
    default:
      return error;
  }
}
