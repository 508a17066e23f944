// What Deepgram's recognition and its voices share: the account, its free check, and what the vendor's words mean.
import { lookup } from 'node:dns/promises';
import type { DeepgramClient as Sdk } from '@deepgram/sdk';
import { networkError, retryAfterMs } from '../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';

export const DEEPGRAM_ID = 'deepgram';
const BASE_URL = 'https://api.deepgram.com';

export interface DeepgramAccountOptions {
  readonly apiKey: string;
  /** `https://api.deepgram.com` where absent. */
  readonly baseUrl?: string | undefined;
  /** Further words of the vendor that mean an invalid request, besides those for all of Deepgram. */
  readonly invalidWords?: RegExp;
}

export class DeepgramAccount {
  readonly #options: DeepgramAccountOptions;
  readonly #baseUrl: string;
  #sdk: Promise<Sdk> | undefined;

  constructor(options: DeepgramAccountOptions) {
    this.#options = options;
    this.#baseUrl = (options.baseUrl ?? BASE_URL).replace(/\/+$/, '').replace(/^ws/, 'http');
  }

  get headers(): Readonly<Record<string, string>> {
    return { Authorization: `Token ${this.#options.apiKey}` };
  }

  /** The URL of a websocket. @param path with its slash: `/v1/listen` */
  socketUrl(path: string, query: URLSearchParams): string {
    return `${this.#baseUrl.replace(/^http/, 'ws')}${path}?${query}`;
  }

  /** Fills the DNS cache. */
  async warm(): Promise<void> {
    const { hostname } = new URL(this.#baseUrl);
    await lookup(hostname.replace(/^\[|\]$/g, '')).catch(() => undefined);
  }

  /** Lists the projects: costs nothing, and finds a wrong key and a dead server. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      this.#sdk ??= this.#connect();
      await (await this.#sdk).manage.v1.projects.list({ maxRetries: 0, abortSignal: signal });
    } catch (error) {
      throw this.#checkFailed(error);
    }
  }

  /** Source of the codes: developers.deepgram.com/docs/errors. */
  readonly kindOfWords = (words: string): ProviderErrorKind | undefined => {
    if (/PAYMENT|credits|balance/i.test(words)) return 'quota';
    if (/INVALID_AUTH|credentials|UNAUTHORIZED/i.test(words)) return 'auth';
    if (/TOO_MANY_REQUESTS|rate.?limit/i.test(words)) return 'rate-limit';
    if (/PERMISSION|FORBIDDEN/i.test(words)) return 'forbidden';
    const isInvalid =
      /Bad Request|INVALID_QUERY|NOT_FOUND|UNPROCESSABLE|DATA-\d/i.test(words) ||
      this.#options.invalidWords?.test(words) === true;
    return isInvalid ? 'invalid-request' : undefined;
  };

  async #connect(): Promise<Sdk> {
    const { DeepgramClient } = await import('@deepgram/sdk');
    return new DeepgramClient({ apiKey: this.#options.apiKey, baseUrl: this.#baseUrl, maxRetries: 0 });
  }

  /** The SDK's errors have a status, or have what broke the connection as their cause. */
  #checkFailed(error: unknown): ProviderError {
    const { statusCode, body, rawResponse } = error as { statusCode?: number; body?: unknown; rawResponse?: Response };
    if (statusCode === undefined) return networkError(DEEPGRAM_ID, error);
    return new ProviderError({
      kind: this.kindOfWords(JSON.stringify(body ?? '')) ?? kindOfStatus(statusCode),
      provider: DEEPGRAM_ID,
      message: `${DEEPGRAM_ID}: the check was refused (${statusCode})`,
      status: statusCode,
      retryAfterMs: retryAfterMs(rawResponse?.headers),
    });
  }
}
