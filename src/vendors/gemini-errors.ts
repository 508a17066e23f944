// The Gemini API's failures as ProviderErrors: by status, by the error's details, by what the transport says.
import { networkCode, retryAfterMs } from '../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';
import { isContentRefusal } from './content-refusal.ts';
import { durationMs } from './rate-limit-reset.ts';
import { withoutKeys } from './without-keys.ts';

/** `google.rpc.Status` as JSON. */
interface GoogleError {
  readonly code?: number;
  readonly message?: string;
  readonly status?: string;
  readonly details?: readonly {
    readonly reason?: string;
    readonly retryDelay?: string;
    readonly violations?: readonly { readonly quotaId?: string }[];
  }[];
}

export interface GeminiFailure {
  readonly provider: string;
  readonly apiKey: string | undefined;
  readonly headers: Headers | undefined;
}

export function geminiProviderError(error: unknown, { provider, apiKey, headers }: GeminiFailure): ProviderError {
  if (error instanceof ProviderError) return error;
  const failure = error instanceof Error ? error : new Error(String(error));
  const told = toldIn(failure);
  const status = told && ((failure as { status?: number }).status ?? told.code);
  const kind = status === undefined ? kindWithoutStatus(failure) : kindOf(status, told ?? {});
  return new ProviderError({
    kind,
    provider,
    message: withoutKeys(
      `${provider}: ${status === undefined ? '' : `${status} `}${describe(failure, told, kind)}`,
      apiKey,
    ),
    status,
    retryAfterMs: retryAfterMs(headers) ?? (kind === 'rate-limit' ? retryDelayMs(told) : undefined),
    cause: error,
  });
}

/** The SDK's ApiError has the body as its message; within a stream, other words precede the body. */
function toldIn(failure: Error): GoogleError | undefined {
  if (failure.name !== 'ApiError') return undefined;
  try {
    const body = JSON.parse(failure.message.slice(failure.message.indexOf('{'))) as { error?: GoogleError };
    return body.error ?? {};
  } catch {
    return {};
  }
}

/** Source of the codes: https://ai.google.dev/gemini-api/docs/troubleshooting */
function kindOf(status: number, told: GoogleError): ProviderErrorKind {
  const reasons = (told.details ?? []).map(({ reason }) => reason);
  if (reasons.some((reason) => reason?.startsWith('API_KEY_'))) return 'auth';
  // Gemini does not serve this country, or not without billing.
  if (told.status === 'FAILED_PRECONDITION') return 'forbidden';
  if (status === 429) return isSpent(told) ? 'quota' : 'rate-limit';
  return status === 400 && isContentRefusal(told.message ?? '') ? 'content-refusal' : kindOfStatus(status);
}

/** Whether a day's limit or the credit is spent: the quota's id tells it, or else the message. */
function isSpent({ details = [], message = '' }: GoogleError): boolean {
  const quotas = details.flatMap(({ violations = [] }) => violations.map(({ quotaId = '' }) => quotaId));
  return quotas.some((id) => id.includes('PerDay')) || /\blimit: 0\b|per day|daily|prepay|depleted/i.test(message);
}

/** Not used for a day's quota: Gemini then names a few seconds, after which nothing has changed. */
function retryDelayMs(told: GoogleError | undefined): number | undefined {
  const delay = told?.details?.find(({ retryDelay }) => retryDelay !== undefined)?.retryDelay;
  return delay === undefined ? undefined : durationMs(delay);
}

function kindWithoutStatus(failure: Error): ProviderErrorKind {
  if (failure.name === 'TimeoutError') return 'timeout';
  return failure instanceof SyntaxError ? 'malformed' : 'unreachable';
}

/** Keeps the vendor's words only where they are about the account: others may repeat what was said in the call. */
function describe(failure: Error, told: GoogleError | undefined, kind: ProviderErrorKind): string {
  switch (kind) {
    case 'auth':
      return 'the key was refused';
    case 'content-refusal':
      return 'the content was refused';
    case 'invalid-request':
      return `the request was refused${told?.status ? ` (${told.status})` : ''}`;
    case 'malformed':
      return 'sent something that is no reply';
    case 'unreachable':
      return `the connection failed${networkCode(failure)}`;
    case 'timeout':
      return 'no answer in time';
    case 'server':
      return `it failed${told?.status ? ` (${told.status})` : ''}`;
    default:
      return (told?.message || told?.status || '').slice(0, 200);
  }
}
