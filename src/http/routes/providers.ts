// GET /api/providers : each stage's chain with the health of its providers.
import type { Handler } from 'hono';
import type { HttpDeps } from '../deps.ts';

/** @param isDemo whether /api/demo is there as well */
export function providersRoute({ providers }: HttpDeps, isDemo: boolean): Handler {
  return (c) => c.json({ stages: providers(), isDemo }, 200, { 'Cache-Control': 'no-store' });
}
