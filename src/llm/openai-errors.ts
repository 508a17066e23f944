// OpenAI-compatible failures as ProviderErrors: by status, by code, by what the transport says.
import { kindOfStatus, networkCode, retryAfterMs } from '../failover/http-error.ts';
import { ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';

/** What the SDK's errors have in common; read by shape, so that the SDK need not be loaded. */
interface SdkError extends Error {
  readonly status?: number | undefined;
  readonly code?: string | number | null | undefined;
  readonly type?: string | null | undefined;
  readonly headers?: Headers | undefined;
}

export function toProviderError(error: unknown, provider: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const failure = (error instanceof Error ? error : new Error(String(error))) as SdkError;
  const status = failure.status ?? statusOfCode(failure.code);
  const kind = kindOf(failure, status);
  return new ProviderError({
    kind,
    provider,
    message: `${provider}: ${status === undefined ? '' : `${status} `}${describe(failure, kind)}`,
    status,
    retryAfterMs: retryAfterMs(failure.headers),
    cause: error,
  });
}

function kindOf(failure: SdkError, status: number | undefined): ProviderErrorKind {
  // Read by name, for the same reason.
  const name = failure.constructor.name;
  if (name === 'APIConnectionTimeoutError' || failure.name === 'TimeoutError') return 'timeout';
  if (name === 'APIConnectionError') return 'unreachable';
  if (isBadJson(failure)) return 'malformed';
  if (failure.code === 'insufficient_quota' || failure.type === 'insufficient_quota') return 'quota';
  if (status === undefined) {
    // An error event inside of a stream has a code at most; a broken connection has neither.
    if (failure.code === 'rate_limit_exceeded' || failure.type === 'rate_limit_error') return 'rate-limit';
    return name === 'APIError' ? 'server' : 'unreachable';
  }
  return kindOfStatus(status);
}

/** OpenRouter puts the status into the code of an error event. */
function statusOfCode(code: string | number | null | undefined): number | undefined {
  const status = Number(code);
  return code !== null && code !== '' && status >= 400 && status < 600 ? status : undefined;
}

function isBadJson(failure: SdkError): boolean {
  // fetch tells a broken connection as a TypeError too, but with a cause.
  return failure instanceof SyntaxError || (failure instanceof TypeError && failure.cause === undefined);
}

/** The vendor's words, unless they may repeat the caller's or name the key. */
function describe(failure: SdkError, kind: ProviderErrorKind): string {
  switch (kind) {
    case 'auth':
      return 'the key was refused';
    case 'invalid-request':
      return `the request was refused${failure.code ? ` (${failure.code})` : ''}`;
    case 'malformed':
      return 'sent something that is no chat completion';
    case 'unreachable':
      return `the connection failed${networkCode(failure)}`;
    case 'timeout':
      return 'no answer in time';
    default:
      return failure.message.replace(/^\d{3} /, '').slice(0, 200);
  }
}
