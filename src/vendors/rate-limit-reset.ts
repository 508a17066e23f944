// When a rate limit ends, from the headers in which OpenAI and OpenRouter say so.
import { retryAfterMs } from '../failover/http-error.ts';

interface HeaderReader {
  get(name: string): string | null;
}

/** As milliseconds, epochs below this would lie before 2001: they are seconds. */
const LEAST_EPOCH_MS = 1e12;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds to wait: from `Retry-After` first, then from the reset of the limit that is used up; undefined where no header
 * says.
 * @param nowMs since 1970
 */
export function rateLimitWaitMs(headers: HeaderReader | undefined, nowMs = Date.now()): number | undefined {
  const told = retryAfterMs(headers);
  if (told !== undefined || !headers) return told;
  const limits = ['requests', 'tokens'].flatMap((what) => {
    const waitMs = durationMs(headers.get(`x-ratelimit-reset-${what}`) ?? '');
    const isUsedUp = Number(headers.get(`x-ratelimit-remaining-${what}`) ?? '0') <= 0;
    return waitMs === undefined ? [] : [{ waitMs, isUsedUp }];
  });
  const usedUp = limits.filter(({ isUsedUp }) => isUsedUp);
  // A request that is too long for what is left of a limit is refused before that limit is at zero.
  const waits = (usedUp.length > 0 ? usedUp : limits).map(({ waitMs }) => waitMs);
  if (waits.length > 0) return Math.max(...waits);
  return untilMs(headers.get('x-ratelimit-reset'), nowMs);
}

/** Milliseconds of OpenAI's "6m0s", "8.64s", "20ms", or of seconds as a bare number. */
export function durationMs(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}

/** Milliseconds until a reset. OpenRouter sends milliseconds since 1970; others send seconds. */
function untilMs(text: string | null, nowMs: number): number | undefined {
  const epoch = Number(text ?? '');
  if (!(epoch > 0)) return undefined;
  return Math.max(0, (epoch < LEAST_EPOCH_MS ? epoch * 1000 : epoch) - nowMs);
}
