// The one error that every provider failure becomes (kinds: see disposition).

export const PROVIDER_ERROR_KINDS = [
  'auth',
  'forbidden',
  'quota',
  'rate-limit',
  'server',
  'unreachable',
  'timeout',
  'malformed',
  'invalid-request',
  /** The vendor's filter refused what the caller or the model said. */
  'content-refusal',
] as const;
export type ProviderErrorKind = (typeof PROVIDER_ERROR_KINDS)[number];

/** No vendor refuses calls for longer: a header that says so is wrong, or hostile. */
export const LONGEST_WAIT_MS = 60 * 60_000;

/** A wait in ms that a vendor names, bounded to 0 … 1 h so that timers and dates can hold it; undefined where it is no number. */
export function boundedWaitMs(ms: number | undefined): number | undefined {
  if (ms === undefined || Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, 0), LONGEST_WAIT_MS);
}

export interface ProviderErrorOptions {
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  /** In words, without keys or the caller's words. */
  readonly message: string;
  /** HTTP status or websocket close code, where there was one. */
  readonly status?: number | undefined;
  /** Milliseconds from `Retry-After` or a vendor's reset header; bounded to an hour. */
  readonly retryAfterMs?: number | undefined;
  /** The vendor no longer has the requested model: it may have another one. */
  readonly isModelGone?: boolean | undefined;
  readonly cause?: unknown;
}

export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly isModelGone: boolean;
  /** Milliseconds that the broken connection had been open; set by its holder, where there was a connection. */
  stoodMs: number | undefined;

  constructor(options: ProviderErrorOptions) {
    super(options.message, { cause: options.cause });
    this.kind = options.kind;
    this.provider = options.provider;
    this.status = options.status;
    this.retryAfterMs = boundedWaitMs(options.retryAfterMs);
    this.isModelGone = options.isModelGone ?? false;
  }
}

/** What an HTTP status means for every vendor that has no meaning of its own. */
export function kindOfStatus(status: number): ProviderErrorKind {
  switch (status) {
    case 401:
      return 'auth';
    case 402:
      return 'quota';
    case 403:
      return 'forbidden';
    case 408:
      return 'timeout';
    case 429:
      return 'rate-limit';
    default:
      return status >= 400 && status < 500 ? 'invalid-request' : 'server';
  }
}

/**
 * Turns anything that a plugin threw or emitted into a ProviderError: the provider is to blame, and its own words are kept. LiveKit's
 * errors have the vendor's status as `statusCode`, with -1 for none.
 */
export function serverError(provider: string, cause: unknown): ProviderError {
  if (cause instanceof ProviderError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const told = (cause as { statusCode?: unknown } | null | undefined)?.statusCode;
  const status = typeof told === 'number' && told >= 400 && told < 600 ? told : undefined;
  return new ProviderError({
    kind: status === undefined ? 'server' : kindOfStatus(status),
    provider,
    message,
    status,
    cause,
  });
}
