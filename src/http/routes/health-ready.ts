// GET /health/ready : a call would be answered now; 503 with the reasons when it would not.
import type { Handler } from 'hono';
import type { HttpDeps } from '../deps.ts';

export function healthReadyRoute({ health }: HttpDeps): Handler {
  return (c) => {
    const { ready, reasons } = health();
    return c.json({ ready, reasons }, ready ? 200 : 503, { 'Cache-Control': 'no-store' });
  };
}
