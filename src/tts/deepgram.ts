// deepgram: Aura voices over a websocket. It is opened directly, as the SDK's own hides the status and headers of a refused
// handshake and connects again by itself; the SDK asks for the account.
import { lookup } from 'node:dns/promises';
import type { DeepgramClient as Sdk } from '@deepgram/sdk';
import { networkError, retryAfterMs } from '../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';
import { defineTts, type TtsClient, type TtsOpenOptions, type TtsSession } from './contract.ts';
import { DeepgramPool } from './deepgram-pool.ts';
import { DeepgramReply } from './deepgram-session.ts';

const ID = 'deepgram';
const BASE_URL = 'https://api.deepgram.com';
const SAMPLE_RATE_HZ = 24_000;
const DEFAULT_VOICE = 'aura-2-thalia-en';

export interface DeepgramTtsOptions {
  readonly apiKey: string;
  /** `https://api.deepgram.com` where absent. */
  readonly baseUrl?: string | undefined;
  /** The voice where a reply names none: Deepgram's voices are its models. */
  readonly model?: string | undefined;
}

export const deepgramTts = defineTts({
  id: ID,
  title: 'Deepgram',
  env: { DEEPGRAM_API_KEY: 'required', DEEPGRAM_BASE_URL: 'optional' },
  keyEnv: 'DEEPGRAM_API_KEY',
  traits: {
    languages: ['en', 'es', 'fr'],
    sampleRateHz: SAMPLE_RATE_HZ,
    wordTimes: 'none',
    // developers.deepgram.com/docs/tts-models
    defaultVoices: {
      'en-US': DEFAULT_VOICE,
      'en-GB': 'aura-2-pandora-en',
      en: DEFAULT_VOICE,
      es: 'aura-2-celeste-es',
      fr: 'aura-2-agathe-fr',
    },
    // Aura-2: 0.030 for 1,000 characters (deepgram.com/pricing, 2026), of which a minute of speech has about 900; agents fill half.
    usdPerMinute: 0.0135,
    quality: 0.8,
    regions: ['us'],
    typicalFirstMs: 250,
  },
  create: ({ env, model }) =>
    createDeepgramTts({ apiKey: env.DEEPGRAM_API_KEY ?? '', baseUrl: env.DEEPGRAM_BASE_URL || undefined, model }),
});

export function createDeepgramTts(options: DeepgramTtsOptions): TtsClient {
  return new DeepgramTtsClient(options);
}

class DeepgramTtsClient implements TtsClient {
  readonly #options: DeepgramTtsOptions;
  readonly #baseUrl: string;
  readonly #pool: DeepgramPool;
  readonly #closed = new AbortController();
  #sdk: Promise<Sdk> | undefined;

  constructor(options: DeepgramTtsOptions) {
    this.#options = options;
    this.#baseUrl = (options.baseUrl ?? BASE_URL).replace(/\/+$/, '').replace(/^ws/, 'http');
    this.#pool = new DeepgramPool((voice) => ({
      provider: ID,
      url: this.#url(voice),
      headers: { Authorization: `Token ${options.apiKey}` },
      kindOfWords,
    }));
  }

  open(options: TtsOpenOptions): TtsSession {
    return new DeepgramReply({
      ...options,
      voice: options.voice || this.#options.model || DEFAULT_VOICE,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
      provider: ID,
      pool: this.#pool,
      kindOfWords,
    });
  }

  /** Fills the DNS cache: which voice will be wanted, and so which socket, is not known yet. */
  async warm(): Promise<void> {
    const { hostname } = new URL(this.#baseUrl);
    await lookup(hostname.replace(/^\[|\]$/g, '')).catch(() => undefined);
  }

  /** Lists the projects: costs nothing, and tells a wrong key and a dead server. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      this.#sdk ??= this.#connect();
      await (await this.#sdk).manage.v1.projects.list({ maxRetries: 0, abortSignal: signal });
    } catch (error) {
      throw checkFailed(error);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#pool.close();
  }

  #url(voice: string): string {
    const query = new URLSearchParams({
      model: voice,
      encoding: 'linear16',
      sample_rate: String(SAMPLE_RATE_HZ),
    });
    return `${this.#baseUrl.replace(/^http/, 'ws')}/v1/speak?${query}`;
  }

  async #connect(): Promise<Sdk> {
    const { DeepgramClient } = await import('@deepgram/sdk');
    return new DeepgramClient({ apiKey: this.#options.apiKey, baseUrl: this.#baseUrl, maxRetries: 0 });
  }
}

/** Codes: developers.deepgram.com/docs/errors. */
function kindOfWords(words: string): ProviderErrorKind | undefined {
  if (/PAYMENT|credits|balance/i.test(words)) return 'quota';
  if (/INVALID_AUTH|credentials|UNAUTHORIZED/i.test(words)) return 'auth';
  if (/TOO_MANY_REQUESTS|rate.?limit/i.test(words)) return 'rate-limit';
  if (/PERMISSION|FORBIDDEN/i.test(words)) return 'forbidden';
  return /Bad Request|INVALID_QUERY|NOT_FOUND|UNPROCESSABLE|DATA-\d|MESSAGE-\d/i.test(words)
    ? 'invalid-request'
    : undefined;
}

/** Of the SDK's errors: with a status, or with what broke the connection as their cause. */
function checkFailed(error: unknown): ProviderError {
  const { statusCode, body, rawResponse } = error as { statusCode?: number; body?: unknown; rawResponse?: Response };
  if (statusCode === undefined) return networkError(ID, error);
  const kind = kindOfWords(JSON.stringify(body ?? '')) ?? kindOfStatus(statusCode);
  return new ProviderError({
    kind,
    provider: ID,
    message: `${ID}: the check was refused (${statusCode})`,
    status: statusCode,
    retryAfterMs: retryAfterMs(rawResponse?.headers),
  });
}
