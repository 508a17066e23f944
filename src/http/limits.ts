// How often one address may ask: floods are refused before they cost anything.
import type { Context, MiddlewareHandler } from 'hono';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { apiError } from './api-error.ts';

export interface Limit {
  readonly requests: number;
  readonly perSeconds: number;
  /** The address whose requests are counted together; undefined: the request is not counted. */
  readonly of: (c: Context) => string | undefined;
}

/** Answers 429 with `Retry-After` beyond the limit. */
export function limited({ requests, perSeconds, of }: Limit): MiddlewareHandler {
  const limiter = new RateLimiterMemory({ points: requests, duration: perSeconds });
  return async (c, next) => {
    const who = of(c);
    if (who === undefined) return next();
    try {
      await limiter.consume(who);
    } catch (refused) {
      const seconds = Math.max(1, Math.ceil((refused as RateLimiterRes).msBeforeNext / 1000));
      const fix = `try again in ${seconds} s`;
      return c.json(apiError(`too many requests: ${requests} within ${perSeconds} s are allowed`, fix), 429, {
        'Retry-After': String(seconds),
      });
    }
    return next();
  };
}
