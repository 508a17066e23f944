// GET /api/personas : who can be talked to.
import type { Handler } from 'hono';
import type { HttpDeps } from '../deps.ts';

export function personasRoute({ personas }: HttpDeps): Handler {
  return (c) => c.json({ personas }, 200, { 'Cache-Control': 'no-store' });
}
