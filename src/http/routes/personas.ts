// GET /api/personas : who can be talked to.
import type { Handler } from 'hono';
import type { HttpDeps } from '../deps.ts';
import type { LeaveEnv } from '../leave.ts';
import { publicOnes } from './calls.ts';

export function personasRoute({ personas }: HttpDeps): Handler<LeaveEnv> {
  return (c) => {
    const shown = c.get('leave') === 'public' ? publicOnes(personas) : personas;
    return c.json({ personas: shown }, 200, { 'Cache-Control': 'no-store' });
  };
}
