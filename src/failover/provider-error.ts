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
] as const;
export type ProviderErrorKind = (typeof PROVIDER_ERROR_KINDS)[number];

export interface ProviderErrorOptions {
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  /** In words, without keys or the caller's words. */
  readonly message: string;
  /** HTTP status or websocket close code, where there was one. */
  readonly status?: number | undefined;
  /** From `Retry-After` or a vendor's reset header. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(options: ProviderErrorOptions) {
    super(options.message, { cause: options.cause });
    this.kind = options.kind;
    this.provider = options.provider;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** For an error of unknown kind, thrown or emitted by a plugin: the provider is to blame, and its own words are kept. */
export function serverError(provider: string, cause: unknown): ProviderError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ProviderError({ kind: 'server', provider, message, cause });
}
