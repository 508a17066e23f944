// GET /api/demo : by stage, who has a stand-in that can be broken, in the order of the chain, and what was done to it.
import type { Handler } from 'hono';
import type { HttpDeps } from '../deps.ts';

export function demoRoute({ providers, demo }: HttpDeps): Handler {
  return (c) => {
    const stages = providers().map(({ stage, providers: chain }) => ({
      stage,
      vendors: chain.flatMap(({ id, title }) =>
        demo?.vendors.includes(id) ? [{ id, title, fault: demo.faultOf(id) ?? null }] : [],
      ),
    }));
    return c.json({ stages }, 200, { 'Cache-Control': 'no-store' });
  };
}
