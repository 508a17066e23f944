// POST /api/demo/faults : breaks the stand-in of a vendor, or mends it.
import type { Handler } from 'hono';
import { z } from 'zod';
import { apiError } from '../api-error.ts';
import type { HttpDeps } from '../deps.ts';

const bodySchema = z.strictObject({
  vendor: z.string().max(64),
  fault: z.enum(['quota', 'time-out', 'drop', 'slow', 'mend']),
});

export function demoFaultsRoute({ demo }: HttpDeps): Handler {
  return async (c) => {
    // A form on another page can't send this content type.
    if (!/^application\/json\b/.test(c.req.header('content-type') ?? '')) {
      return c.json(apiError('expected a JSON body', 'send Content-Type: application/json'), 415);
    }
    const parsed = bodySchema.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) {
      const fix = 'send for example {"vendor":"openrouter","fault":"quota"}; faults: quota, time-out, drop, slow, mend';
      return c.json(apiError('this is no vendor and fault', fix), 400);
    }
    const { vendor, fault } = parsed.data;
    if (!demo?.vendors.includes(vendor)) {
      return c.json(apiError(`there is no vendor "${vendor}"`, `choose one of: ${demo?.vendors.join(', ')}`), 404);
    }
    await demo.fail(vendor, fault);
    return c.json({ vendor, fault });
  };
}
