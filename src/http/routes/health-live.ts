// GET /health/live : the process answers.
import type { Handler } from 'hono';
import type { HttpDeps } from '../deps.ts';

export function healthLiveRoute({ health }: HttpDeps): Handler {
  return (c) => c.json({ live: health().live }, 200, { 'Cache-Control': 'no-store' });
}
