// The HTTP application: which routes there are and what holds for all of them. Tests call it in process.
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { UserError } from '../config/user-error.ts';
import type { Logger } from '../telemetry/log.ts';
import { apiError } from './api-error.ts';
import type { Page } from './asset.ts';
import type { HttpDeps } from './deps.ts';
import { addressOf, type LeaveEnv, leaveRequired, type PageAccess } from './leave.ts';
import { limited } from './limits.ts';
import { assetRoute } from './routes/asset.ts';
import { callsRoute } from './routes/calls.ts';
import { demoRoute } from './routes/demo.ts';
import { demoFaultsRoute } from './routes/demo-faults.ts';
import { healthLiveRoute } from './routes/health-live.ts';
import { healthReadyRoute } from './routes/health-ready.ts';
import { pageRoute } from './routes/page.ts';
import { personasRoute } from './routes/personas.ts';
import { providersRoute } from './routes/providers.ts';
import { sameOriginOnly } from './same-origin.ts';
import { securityHeaders } from './security-headers.ts';

export interface AppOptions {
  readonly deps: HttpDeps;
  readonly page: Page;
  readonly log: Logger;
  /** Where absent, only this machine may use the page. */
  readonly access?: PageAccess | undefined;
}

const MAX_BODY_BYTES = 8_192;
/** Limits per address when other machines can reach the page: more than a person needs. */
const CALLS = { requests: 10, perSeconds: 60 };
const REQUESTS = { requests: 300, perSeconds: 60 };

export function createApp({ deps, page, log, access = { loopbackOnly: true } }: AppOptions): Hono<LeaveEnv> {
  const app = new Hono<LeaveEnv>();
  const { loopbackOnly, publicUrl } = access;
  const isLocal = loopbackOnly && !publicUrl;
  const isDemo = deps.demo !== undefined && isLocal;
  const of = (c: Context) => (isLocal ? undefined : addressOf(c, access));
  app.use(securityHeaders(deps.livekitUrl));
  app.use('/api/*', limited({ ...REQUESTS, of }));
  app.use('/api/*', sameOriginOnly(access));
  app.use('/api/*', leaveRequired(access));
  app.use('/api/*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.json(tooLarge, 413) }));

  app.get('/', pageRoute(page));
  app.get('/assets/:name', assetRoute(page));
  app.get('/api/personas', personasRoute(deps));
  // No limit with the operator's token: its holder may be a program that makes calls for many people.
  app.use('/api/calls', limited({ ...CALLS, of: (c) => (c.get('leave') === 'full' ? undefined : of(c)) }));
  app.post('/api/calls', callsRoute(deps));
  app.get('/api/providers', providersRoute(deps, isDemo));
  if (isDemo) {
    app.get('/api/demo', demoRoute(deps));
    app.post('/api/demo/faults', demoFaultsRoute(deps));
  }
  app.get('/health/live', healthLiveRoute(deps));
  app.get('/health/ready', healthReadyRoute(deps));

  app.notFound((c) => c.json(apiError(`${c.req.path} is not here`, 'the talk page is at /'), 404));
  app.onError((error, c) => {
    if (error instanceof UserError) return c.json(apiError(error.message, error.fix), 503);
    log.error({ logger: 'http', event: 'request_failed', path: c.req.path, err: error }, 'a request failed');
    return c.json(apiError('the server could not do that', 'look at the log of the server for the cause'), 500);
  });
  return app;
}

const tooLarge = apiError(
  `the request is larger than ${MAX_BODY_BYTES} bytes`,
  'send only persona, mode, name, language and room',
);
