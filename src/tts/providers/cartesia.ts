// cartesia: speech over Cartesia's websocket, with the times of words. The socket is opened with `ws` directly, as the
// official SDK tells neither the status of a refused handshake nor its Retry-After, and speaks to wss addresses only;
// the SDK does the free check.
import { kindOfCloseCode, networkError, retryAfterMs } from '../../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../../failover/provider-error.ts';
import type { Refusal, SocketVendor, VendorMessage } from '../../vendors/socket-pool.ts';
import { defineTts, type TtsClient } from '../contract.ts';
import { createContextClient, type Voicing } from './contexts/client.ts';
import type { VoiceEvent, VoiceProtocol } from './contexts/voice-protocol.ts';

const ID = 'cartesia';
const BASE_URL = 'https://api.cartesia.ai';
/** First API version with structured errors: https://docs.cartesia.ai/use-the-api/api-errors */
const API_VERSION = '2026-03-01';
const MODEL = 'sonic-3.5';
const SAMPLE_RATE_HZ = 24_000;
/** Katie, which Cartesia recommends for agents: https://docs.cartesia.ai/build-with-cartesia/tts-models/sonic-3-5 */
const ENGLISH_VOICE = 'f786b574-daa5-4673-aa0c-cbe3e8534c02';
const CHECK_MS = 10_000;
/** "Dozens" per socket work, by its documentation; an account may speak with 2 to 15 at once, a limit that the vendor itself reports. */
const MAX_CONTEXTS = 12;
const LINGER_MS = 3_000;
/** Its 429 is about concurrent generations (docs.cartesia.ai/use-the-api/concurrency-limits-and-timeouts), which end soon. */
const BUSY_MS = 1_500;
/** Shorter than the five idle minutes after which Cartesia closes a socket. */
const MAX_IDLE_MS = 240_000;
/** A context expires 1 s after its last sound; text that is sent shortly before that may come too late. */
const EXPIRES_AFTER_MS = 700;

export const cartesia = defineTts({
  id: ID,
  title: 'Cartesia',
  env: { CARTESIA_API_KEY: 'required', CARTESIA_BASE_URL: 'optional' },
  keyEnv: 'CARTESIA_API_KEY',
  traits: {
    languages: ['en', 'es', 'fr', 'de', 'it', 'pt', 'nl', 'pl', 'ru', 'sv', 'tr', 'ja', 'ko', 'zh', 'hi'],
    sampleRateHz: SAMPLE_RATE_HZ,
    wordTimes: 'exact',
    defaultVoices: {
      'en-US': ENGLISH_VOICE,
      // From the public library: British Reading Lady, Spanish-speaking Lady, French Conversational Lady.
      'en-GB': '71a7ad14-091c-4e8e-a314-022ece01c121',
      en: ENGLISH_VOICE,
      es: '846d6cb0-2301-48b6-9683-48f5618ea2f6',
      fr: 'a249eaff-1e96-4d2c-b23b-12efa4f66f41',
    },
    // 39 $ for a million characters (cartesia.ai/pricing, Startup); a minute of conversation, half of it the agent's, has 450.
    usdPerMinute: 0.018,
    quality: 0.9,
    regions: ['us', 'eu'],
    typicalFirstMs: 200,
  },
  create: ({ env, model }) =>
    createCartesia({ apiKey: env.CARTESIA_API_KEY ?? '', baseUrl: env.CARTESIA_BASE_URL, model }),
});

export interface CartesiaOptions {
  readonly apiKey: string;
  readonly baseUrl?: string | undefined;
  readonly model?: string | undefined;
}

export function createCartesia({ apiKey, baseUrl, model = MODEL }: CartesiaOptions): TtsClient {
  const base = (baseUrl || BASE_URL).replace(/\/+$/, '');
  return createContextClient({
    vendor: { ...vendor, headers: { 'x-api-key': apiKey, 'cartesia-version': API_VERSION } },
    sampleRateHz: SAMPLE_RATE_HZ,
    first: { voice: ENGLISH_VOICE, language: 'en-US' },
    expiresAfterMs: EXPIRES_AFTER_MS,
    urlOf: () => `${base.replace(/^http/, 'ws')}/tts/websocket`,
    protocol: (voicing) => protocolOf(model, voicing),
    check: (signal) => check(apiKey, base, signal),
  });
}

const vendor: Omit<SocketVendor, 'headers'> = {
  id: ID,
  maxContexts: MAX_CONTEXTS,
  maxIdleMs: MAX_IDLE_MS,
  // A cancellation stops only what has not begun: the rest is generated and counts against the limit until its `done`.
  isLast: ({ type }) => type === 'done' || type === 'error',
  lingerMs: LINGER_MS,
  contextOf: ({ context_id }) => (typeof context_id === 'string' ? context_id : undefined),
  failure: (message) =>
    message.type === 'error' && typeof message.context_id !== 'string' ? errorOf(message) : undefined,
  refused: ({ status, retryAfterMs: wait, body }: Refusal) => failure(kindOf(status, body), `${status}`, status, wait),
  closed: (code) => failure(kindOfCloseCode(code), `the socket was closed (${code})`, code),
};

function protocolOf(model: string, { voice, language }: Voicing): VoiceProtocol {
  /** The vendor demands the same settings in every message of a context. */
  const settings = {
    model_id: model,
    voice: { mode: 'id', id: voice },
    language: language.split('-')[0] || 'en',
    output_format: { container: 'raw', encoding: 'pcm_s16le', sample_rate: SAMPLE_RATE_HZ },
    add_timestamps: true,
    // We send whole clauses, so the vendor need not wait for more of one.
    max_buffer_delay_ms: 0,
  };
  return {
    begin: () => [],
    speak: (context_id, transcript) => [{ ...settings, context_id, transcript, continue: true }],
    finish: (context_id) => [{ ...settings, context_id, transcript: '', continue: false }],
    cancel: (context_id) => [{ context_id, cancel: true }],
    read,
  };
}

function read(message: VendorMessage): readonly VoiceEvent[] {
  switch (message.type) {
    case 'chunk':
      return [{ type: 'audio', base64: typeof message.data === 'string' ? message.data : '=' }];
    case 'timestamps':
      return [{ type: 'words', words: wordsOf(message.word_timestamps) }];
    case 'done':
      return [{ type: 'done' }];
    case 'error':
      return [isExpired(message) ? { type: 'expired' } : { type: 'error', error: errorOf(message) }];
    default:
      return [];
  }
}

/** Converts Cartesia's times, which are seconds since the context's first sample. */
function wordsOf(timestamps: unknown) {
  const { words, start, end } = (timestamps ?? {}) as Record<string, unknown>;
  if (!Array.isArray(words) || !Array.isArray(start) || !Array.isArray(end)) {
    throw failure('malformed', 'sent times of words that are none');
  }
  return words.map((word, index) => ({
    text: String(word),
    startMs: (Number(start[index]) || 0) * 1000,
    endMs: (Number(end[index]) || 0) * 1000,
  }));
}

/** From API version 2026-03-01 on, an error has a code and a title; before, it has "Title: Message" in `error`. */
function wordsIn({ error_code, title, message, error }: VendorMessage): string {
  return [error_code, title, message, error].filter((part) => typeof part === 'string').join(' ');
}

function isExpired(message: VendorMessage): boolean {
  return /context[\s_](?:\S+[\s_]){0,3}(?:expired|closed|finished|not[\s_]found)/i.test(wordsIn(message));
}

function errorOf(message: VendorMessage): ProviderError {
  const status = typeof message.status_code === 'number' ? message.status_code : 500;
  return failure(kindOf(status, wordsIn(message)), `error ${status} on the open socket`, status);
}

function kindOf(status: number, words: string): ProviderErrorKind {
  if (/quota|credit[\s_]?limit|insufficient[\s_]credits|payment/i.test(words)) return 'quota';
  return kindOfStatus(status);
}

function failure(kind: ProviderErrorKind, words: string, status?: number, wait?: number): ProviderError {
  const retryAfterMs = wait ?? (kind === 'rate-limit' ? BUSY_MS : undefined);
  return new ProviderError({ kind, provider: ID, message: `${ID}: ${words}`, status, retryAfterMs });
}

/** Lists one voice, which needs a valid key and costs nothing. */
async function check(apiKey: string, baseURL: string, signal: AbortSignal): Promise<void> {
  const { Cartesia, APIConnectionTimeoutError } = await import('@cartesia/cartesia-js');
  try {
    await new Cartesia({ apiKey, baseURL, maxRetries: 0, timeout: CHECK_MS }).voices.list({ limit: 1 }, { signal });
  } catch (error) {
    const { status, headers, error: body } = error as { status?: number; headers?: Headers; error?: unknown };
    if (status !== undefined) {
      throw failure(kindOf(status, JSON.stringify(body ?? '')), `${status}`, status, retryAfterMs(headers));
    }
    if (error instanceof APIConnectionTimeoutError) throw failure('timeout', 'no answer in time');
    if (error instanceof SyntaxError) throw failure('malformed', 'sent a list of voices that is none');
    throw networkError(ID, error);
  }
}
