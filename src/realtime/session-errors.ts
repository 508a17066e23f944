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
    // Both vendors' URL paths are fixed: only the model in them can be unknown.
    isModelGone: status === 404,
    retryAfterMs: retryAfterMs({ get }),
  });
}

export function lostError(provider: string, cause: unknown): ProviderError {
  const message = `${provider}: the connection was lost${networkCode(cause)}`;
  return new ProviderError({ kind: 'unreachable', provider, message, cause });
}

export function closedError(provider: string, code: number, reason: string): ProviderError {
  const isModelGone = MODEL_GONE.test(reason);
  const kind = isModelGone ? 'invalid-request' : (kindOfWords(reason) ?? kindOfClosing(code, reason));
  const message = `${provider}: ${isModelGone ? 'has the model no more' : 'closed the connection'} (${code})`;
  return new ProviderError({ kind, provider, message, status: code, isModelGone });
}

/** For a session that did not accept the conversation, and so does not know what was said. */
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

/** Reads LiveKit's `realtime_model_error`; undefined for an error about one request, which harms nothing: most are of that kind. */
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
  if (code === 'model_not_found' || MODEL_GONE.test(message)) {
    const words = `${provider}: has the model no more (${code})`;
    return new ProviderError({ kind: 'invalid-request', provider, message: words, isModelGone: true, cause: error });
  }
  const kind = kindOfWords(`${code} ${String(body?.type ?? '')} ${message}`);
  if (kind === undefined && recoverable !== false) return undefined;
  return new ProviderError({
    kind: kind ?? 'server',
    provider,
    message: `${provider}: told an error${/^[a-z_]+$/.test(code) ? ` (${code})` : ''}`,
    cause: error,
  });
}

/** OpenAI's `model_not_found` in an event or a close reason; Gemini's 1008 "models/… is not found for API version …". */
const MODEL_GONE = /model_not_found|\bmodels?\b.*(?:not found|does not exist)/i;
/** Gemini sometimes closes healthy sessions with these reasons: https://github.com/livekit/agents/issues/4699 and related issues. */
const PASSING = /is not implemented|requested entity was not found/i;
const NAMES_CAUSE = /\bkey\b|\bproject\b|\bmodels?\b/i;

function kindOfClosing(code: number, reason: string): ProviderErrorKind {
  return code === 1008 && PASSING.test(reason) && !NAMES_CAUSE.test(reason) ? 'server' : kindOfCloseCode(code);
}

/** https://platform.openai.com/docs/guides/error-codes, https://ai.google.dev/gemini-api/docs/troubleshooting */
function kindOfWords(words: string): ProviderErrorKind | undefined {
  if (/insufficient_quota|exceeded your current quota|billing/i.test(words)) return 'quota';
  if (/invalid_api_key|api.?key|unauthenticated|account_deactivated/i.test(words)) return 'auth';
  if (/rate.?limit|resource.?exhausted/i.test(words)) return 'rate-limit';
  if (/server_error|session_expired|internal error/i.test(words)) return 'server';
  return undefined;
}

/** A session was asked for a reply while it gave another one. That one has ended by now: the session may be asked again. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}
