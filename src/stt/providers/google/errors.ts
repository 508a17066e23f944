// Google's failures as ProviderErrors: a status of gRPC, an error's details, or what the transport says.
import { networkCode } from '../../../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../../../failover/provider-error.ts';
import { GOOGLE_ID } from './request.ts';

/** gRPC codes: their names, and the HTTP status that Google's REST API uses instead (google/rpc/code.proto). */
const CODES: Readonly<Record<number, readonly [name: string, status: number]>> = {
  1: ['CANCELLED', 499],
  2: ['UNKNOWN', 500],
  3: ['INVALID_ARGUMENT', 400],
  4: ['DEADLINE_EXCEEDED', 504],
  5: ['NOT_FOUND', 404],
  6: ['ALREADY_EXISTS', 409],
  7: ['PERMISSION_DENIED', 403],
  8: ['RESOURCE_EXHAUSTED', 429],
  9: ['FAILED_PRECONDITION', 400],
  10: ['ABORTED', 409],
  11: ['OUT_OF_RANGE', 400],
  12: ['UNIMPLEMENTED', 501],
  13: ['INTERNAL', 500],
  14: ['UNAVAILABLE', 503],
  15: ['DATA_LOSS', 500],
  16: ['UNAUTHENTICATED', 401],
};

/** Messages of grpc-js for calls that never reached the service or broke on the way; services use the same codes. */
const TRANSPORT =
  /^(No connection established|Connection dropped|Failed to connect|Name resolution failed|Channel closed|read E|write E|Received RST_STREAM|Stream refused)|Stream removed|socket hang up|Subchannel/i;

/** Fields that the SDK's errors share; read by shape, so that the SDK need not be loaded. */
interface GrpcError extends Error {
  readonly code?: unknown;
  readonly details?: unknown;
  /** From google.rpc.ErrorInfo. */
  readonly reason?: unknown;
  readonly statusDetails?: unknown;
}

/** Kind of a Google error: by its code name and the reason in its details where they say more than the HTTP status. */
export function kindOfGoogle(status: number, name: string | undefined, reason: string | undefined): ProviderErrorKind {
  // Google reports a bad key with status 400.
  if (reason?.startsWith('API_KEY_')) return 'auth';
  if (reason === 'BILLING_DISABLED') return 'quota';
  // Google's quotas are per minute and per day: a quota is used up, not unpaid.
  if (name === 'RESOURCE_EXHAUSTED') return 'rate-limit';
  return kindOfStatus(status);
}

/** Leaves out Google's own text, as it may name the project. */
export function googleGrpcError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  const failed = (error instanceof Error ? error : new Error(String(error))) as GrpcError;
  const [name, status] = CODES[Number(failed.code)] ?? [];
  const words = String(failed.details ?? failed.message);
  if (name === undefined || status === undefined || TRANSPORT.test(words)) {
    return googleFailure('unreachable', `the connection failed${networkCode(failed) || codeIn(words)}`);
  }
  // grpc-js reports an unreadable message as INTERNAL.
  if (/parsing error|deserializ/i.test(words)) return googleFailure('malformed', 'sent a message that can’t be read');
  const reason = typeof failed.reason === 'string' ? failed.reason : undefined;
  return new ProviderError({
    kind: kindOfCode(name, status, reason),
    provider: GOOGLE_ID,
    message: `${GOOGLE_ID}: ${name}${reason === undefined ? '' : ` (${reason})`}`,
    status,
    retryAfterMs: retryDelayMs(failed.statusDetails),
  });
}

export function googleFailure(kind: ProviderErrorKind, words: string, cause?: unknown): ProviderError {
  return new ProviderError({ kind, provider: GOOGLE_ID, message: `${GOOGLE_ID}: ${words}`, cause });
}

function kindOfCode(name: string, status: number, reason: string | undefined): ProviderErrorKind {
  switch (name) {
    case 'DEADLINE_EXCEEDED':
      return 'timeout';
    // The stream grew too old, had no audio for too long, or was ended for another reason. A new one may work.
    case 'OUT_OF_RANGE':
    case 'ABORTED':
    case 'CANCELLED':
      return 'unreachable';
    case 'UNIMPLEMENTED':
      return 'invalid-request';
    default:
      return kindOfGoogle(status, name, reason);
  }
}

/** Network code such as " (ECONNREFUSED)", taken from the message of grpc-js, which keeps no cause; '' if there is none. */
function codeIn(words: string): string {
  const code = /\bE[A-Z]{4,}\b/.exec(words)?.[0];
  return code === undefined ? '' : ` (${code})`;
}

/** Milliseconds from google.rpc.RetryInfo. */
function retryDelayMs(details: unknown): number | undefined {
  for (const detail of Array.isArray(details) ? (details as { retryDelay?: unknown }[]) : []) {
    const delay = detail?.retryDelay as { seconds?: unknown; nanos?: unknown } | string | null | undefined;
    if (typeof delay === 'string') return Number.parseFloat(delay) * 1000;
    if (delay) return Number(delay.seconds ?? 0) * 1000 + Number(delay.nanos ?? 0) / 1_000_000;
  }
  return undefined;
}
