// What HTTP statuses, websocket close codes and broken connections mean, for every vendor that has no meaning of its own.
import { ProviderError, type ProviderErrorKind } from './provider-error.ts';

/** For a close while work is pending. A vendor's own file must recognise a 1008 whose words are about a key. */
export function kindOfCloseCode(code: number): ProviderErrorKind {
  if (code === 1008) return 'forbidden';
  if (code === 1007 || code === 1003 || code === 1009) return 'invalid-request';
  return code === 1000 || code === 1005 || code === 1006 ? 'unreachable' : 'server';
}

/** A connection that could not be made or broke: DNS, refused, reset, TLS. */
export function networkError(provider: string, cause: unknown): ProviderError {
  const message = `${provider}: the connection failed${networkCode(cause)}`;
  return new ProviderError({ kind: 'unreachable', provider, message, cause });
}

/** " (ECONNREFUSED)": the first code among an error and its causes; empty where there is none. */
export function networkCode(error: unknown): string {
  let cause = error;
  while (cause instanceof Error) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && /^[A-Z][A-Z_]+$/.test(code)) return ` (${code})`;
    cause = cause.cause;
  }
  return '';
}

/** Milliseconds from `retry-after-ms` or `retry-after` (seconds or a date); undefined where there is none. */
export function retryAfterMs(headers: { get(name: string): string | null } | undefined): number | undefined {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (ms >= 0) return ms;
  const raw = headers?.get('retry-after') ?? '';
  const seconds = Number.parseFloat(raw);
  if (seconds >= 0) return seconds * 1000;
  const until = Date.parse(raw) - Date.now();
  return until >= 0 ? until : undefined;
}
