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
  /** The vendor's filter took offence at what was said, by either side. */
  'content-refusal',
] as const;
export type ProviderErrorKind = (typeof PROVIDER_ERROR_KINDS)[number];

/** No vendor closes for longer: what says so is mistaken, or hostile. */
export const LONGEST_WAIT_MS = 60 * 60_000;

/** A wait that a vendor names, as a number that a timer and a date can bear; undefined where it is none. */
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
  /** From `Retry-After` or a vendor's reset header; bounded to an hour. */
  readonly retryAfterMs?: number | undefined;
  /** The vendor has the model no more that was asked for: another may be there. */
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
  /** How long the connection had stood that broke; told by whoever held it, where one did. */
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
 * For whatever a plugin threw or emitted: the provider is to blame and its own words are kept. LiveKit's errors tell
 * the vendor's status as `statusCode`, with -1 for none.
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
