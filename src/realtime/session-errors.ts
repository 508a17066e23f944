// What a session's refusals, closings and error events mean; undefined where nothing is wrong with the session.
import type { IncomingHttpHeaders } from 'node:http';
import { kindOfCloseCode, networkCode, retryAfterMs } from '../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';

export function refusedError(provider: string, status: number, headers: IncomingHttpHeaders): ProviderError {
  const get = (name: string) => String(headers[name] ?? '') || null;
  return new ProviderError({
    kind: kindOfStatus(status),
    provider,
    message: `${provider}: refused the connection (${status})`,
    status,
    retryAfterMs: retryAfterMs({ get }),
  });
}

export function lostError(provider: string, cause: unknown): ProviderError {
  const message = `${provider}: the connection was lost${networkCode(cause)}`;
  return new ProviderError({ kind: 'unreachable', provider, message, cause });
}

export function closedError(provider: string, code: number, reason: string): ProviderError {
  const kind = kindOfWords(reason) ?? kindOfCloseCode(code);
  return new ProviderError({ kind, provider, message: `${provider}: closed the connection (${code})`, status: code });
}

/** It does not know what was said. */
export function notTakenError(provider: string, how: 'late' | 'refused'): ProviderError {
  const kind = how === 'late' ? 'timeout' : 'invalid-request';
  return new ProviderError({ kind, provider, message: `${provider}: did not take the conversation` });
}

export function malformedError(provider: string, cause: unknown): ProviderError {
  return new ProviderError({
    kind: 'malformed',
    provider,
    message: `${provider}: sent something that can’t be read`,
    cause,
  });
}

/** LiveKit's `realtime_model_error`. Most of what vendors tell as errors is about one request and harms nothing. */
export function toldError(
  provider: string,
  { error, recoverable }: { readonly error?: unknown; readonly recoverable?: boolean },
): ProviderError | undefined {
  const {
    statusCode,
    body,
    message = '',
  } = (error ?? {}) as {
    statusCode?: number;
    body?: { code?: unknown; type?: unknown; reason?: unknown } | null;
    message?: string;
  };
  if (statusCode !== undefined && statusCode >= 1000) {
    return closedError(provider, statusCode, String(body?.reason ?? message));
  }
  const code = String(body?.code ?? body?.type ?? '');
  const kind = kindOfWords(`${code} ${String(body?.type ?? '')} ${message}`);
  if (kind === undefined && recoverable !== false) return undefined;
  return new ProviderError({
    kind: kind ?? 'server',
    provider,
    message: `${provider}: told an error${/^[a-z_]+$/.test(code) ? ` (${code})` : ''}`,
    cause: error,
  });
}

/** https://platform.openai.com/docs/guides/error-codes, https://ai.google.dev/gemini-api/docs/troubleshooting */
function kindOfWords(words: string): ProviderErrorKind | undefined {
  if (/insufficient_quota|exceeded your current quota|billing/i.test(words)) return 'quota';
  if (/invalid_api_key|api.?key|unauthenticated|account_deactivated/i.test(words)) return 'auth';
  if (/rate.?limit|resource.?exhausted/i.test(words)) return 'rate-limit';
  if (/server_error|session_expired|internal error/i.test(words)) return 'server';
  return undefined;
}
