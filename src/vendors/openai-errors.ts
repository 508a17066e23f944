// OpenAI-compatible failures as ProviderErrors: by status, by code, by what the transport says.
import { networkCode } from '../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';
import { isContentRefusal } from './content-refusal.ts';
import { rateLimitWaitMs } from './rate-limit-reset.ts';
import { withoutKeys } from './without-keys.ts';

export interface OpenAiErrorCode {
  readonly code?: string | number | null | undefined;
  readonly type?: string | null | undefined;
}

/** What the SDK's errors have in common; read by shape, so that the SDK need not be loaded. */
interface SdkError extends Error, OpenAiErrorCode {
  readonly status?: number | undefined;
  readonly headers?: Headers | undefined;
  /** The body's `error`. */
  readonly error?: unknown;
}

/** What OpenRouter adds to an error. */
interface Metadata {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly limit_source?: unknown;
  readonly reasons?: unknown;
  readonly flagged_input?: unknown;
}

/** Codes for spent money, not for too many requests: https://platform.openai.com/docs/guides/error-codes */
const QUOTA_CODES: ReadonlySet<unknown> = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
]);

/** Codes of refused content: Azure (https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter) and OpenAI itself. */
const REFUSAL_CODES: ReadonlySet<unknown> = new Set(['content_filter', 'content_policy_violation', 'invalid_prompt']);

/** Codes that say more than their status, which proxies choose as they like. */
const CODE_KINDS: ReadonlyMap<unknown, ProviderErrorKind> = new Map([
  ['rate_limit_exceeded', 'rate-limit'],
  ['invalid_api_key', 'auth'],
]);

/** Types of rate-limit errors: they name what there was too much of. */
const LIMIT_TYPES: ReadonlySet<unknown> = new Set(['requests', 'tokens', 'rate_limit_error']);

/** @param apiKey never to stand in the message */
export function toProviderError(error: unknown, provider: string, apiKey?: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const failure = (error instanceof Error ? error : new Error(String(error))) as SdkError;
  const status = failure.status ?? statusOfCode(failure.code);
  const metadata = metadataOf(failure);
  const kind = kindOf(failure, status, metadata);
  const mayNameWait = kind === 'rate-limit' || kind === 'quota' || status === 408 || (status ?? 0) >= 500;
  return new ProviderError({
    kind,
    provider,
    message: withoutKeys(`${provider}: ${status === undefined ? '' : `${status} `}${describe(failure, kind)}`, apiKey),
    status,
    retryAfterMs: mayNameWait ? (rateLimitWaitMs(failure.headers) ?? waitInBody(metadata)) : undefined,
    cause: error,
  });
}

/** What an error's code says where no status does. @returns undefined for a code that says nothing of the kind */
export function kindOfCode({ code, type }: OpenAiErrorCode): ProviderErrorKind | undefined {
  if (QUOTA_CODES.has(code) || QUOTA_CODES.has(type)) return 'quota';
  return LIMIT_TYPES.has(type) ? 'rate-limit' : CODE_KINDS.get(code);
}

function kindOf(failure: SdkError, status: number | undefined, metadata: Metadata): ProviderErrorKind {
  // The class is read by its name, so that the SDK need not be loaded.
  const name = failure.constructor.name;
  if (name === 'APIConnectionTimeoutError' || failure.name === 'TimeoutError') return 'timeout';
  if (name === 'APIConnectionError') return 'unreachable';
  if (isBadJson(failure)) return 'malformed';
  if (QUOTA_CODES.has(failure.code) || QUOTA_CODES.has(failure.type)) return 'quota';
  if (isRefusal(failure, status, metadata)) return 'content-refusal';
  // Our other requests use up what may be under way at once, and the credit is not spent:
  // https://openrouter.ai/docs/api/reference/errors-and-debugging
  if (status === 402 && String(metadata.limit_source ?? '').includes('in_flight')) return 'rate-limit';
  if (status === undefined) {
    // An error event within a stream has at most a code; a broken connection has neither a status nor a code.
    return kindOfCode(failure) ?? (name === 'APIError' ? 'server' : 'unreachable');
  }
  // OpenRouter's daily allowance of free requests is used up until midnight: that is a quota, not a rate limit.
  if (status === 429 && /per-day|daily/.test(`${String(metadata.limit_source ?? '')} ${failure.message}`))
    return 'quota';
  return CODE_KINDS.get(failure.code) ?? kindOfStatus(status);
}

function isRefusal(failure: SdkError, status: number | undefined, metadata: Metadata): boolean {
  if (REFUSAL_CODES.has(failure.code)) return true;
  // OpenRouter's moderation refuses the words, not the key.
  if (status === 403 && (metadata.reasons || metadata.flagged_input)) return true;
  return (status === 400 || status === 403) && isContentRefusal(failure.message);
}

/** OpenRouter puts the status into the code of an error event. */
function statusOfCode(code: string | number | null | undefined): number | undefined {
  const status = Number(code);
  return code !== null && code !== '' && status >= 400 && status < 600 ? status : undefined;
}

function metadataOf({ error }: SdkError): Metadata {
  const metadata = typeof error === 'object' && error !== null && 'metadata' in error ? error.metadata : undefined;
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}

function waitInBody({ headers }: Metadata): number | undefined {
  if (!headers) return undefined;
  return rateLimitWaitMs(new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)])));
}

function isBadJson(failure: SdkError): boolean {
  // fetch reports a broken connection as a TypeError too, but with a cause.
  return failure instanceof SyntaxError || (failure instanceof TypeError && failure.cause === undefined);
}

/** Keeps the vendor's words only where they are about the account: others may repeat what was said in the call. */
function describe(failure: SdkError, kind: ProviderErrorKind): string {
  switch (kind) {
    case 'auth':
      return 'the key was refused';
    case 'content-refusal':
      return 'the content was refused';
    case 'invalid-request':
      return `the request was refused${failure.code ? ` (${failure.code})` : ''}`;
    case 'malformed':
      return 'sent something that can’t be read';
    case 'unreachable':
      return `the connection failed${networkCode(failure)}`;
    case 'timeout':
      return 'no answer in time';
    case 'server':
      return `it failed${failure.code ? ` (${failure.code})` : ''}`;
    default:
      return failure.message.replace(/^\d{3} /, '').slice(0, 200);
  }
}
