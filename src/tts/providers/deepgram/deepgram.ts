// deepgram: Aura voices over a websocket. It is opened directly, as the SDK's own hides the status and headers of a refused
// handshake and connects again by itself; the SDK asks for the account.
import { DEEPGRAM_ID, DeepgramAccount } from '../../../vendors/deepgram-account.ts';
import { defineTts, type TtsClient, type TtsOpenOptions, type TtsSession } from '../../contract.ts';
import { DeepgramPool } from './pool.ts';
import { DeepgramReply } from './session.ts';

const SAMPLE_RATE_HZ = 24_000;
const DEFAULT_VOICE = 'aura-2-thalia-en';

export interface DeepgramTtsOptions {
  readonly apiKey: string;
  /** `https://api.deepgram.com` where absent. */
  readonly baseUrl?: string | undefined;
  /** Voice for replies that name none; each of Deepgram's voices is a model. */
  readonly model?: string | undefined;
}

export const deepgramTts = defineTts({
  id: DEEPGRAM_ID,
  title: 'Deepgram',
  env: { DEEPGRAM_API_KEY: 'required', DEEPGRAM_BASE_URL: 'optional' },
  keyEnv: 'DEEPGRAM_API_KEY',
  traits: {
    languages: ['en', 'es', 'fr'],
    sampleRateHz: SAMPLE_RATE_HZ,
    wordTimes: 'none',
    // Limit: 20 flushes in 60 s (developers.deepgram.com/docs/tts-ws-flush). 3 s of speech are about 45 characters; twice that is safe.
    leastFlushChars: 90,
    // developers.deepgram.com/docs/tts-models
    defaultVoices: {
      'en-US': DEFAULT_VOICE,
      'en-GB': 'aura-2-pandora-en',
      en: DEFAULT_VOICE,
      es: 'aura-2-celeste-es',
      fr: 'aura-2-agathe-fr',
    },
    // Aura-2: 0.030 $ for 1,000 characters (deepgram.com/pricing, 2026); a minute of speech has about 900, agents speak half of it.
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
  readonly #account: DeepgramAccount;
  readonly #pool: DeepgramPool;
  readonly #closed = new AbortController();

  constructor(options: DeepgramTtsOptions) {
    this.#options = options;
    this.#account = new DeepgramAccount({ ...options, invalidWords: /MESSAGE-\d/i });
    this.#pool = new DeepgramPool((voice) => ({
      provider: DEEPGRAM_ID,
      url: this.#url(voice),
      headers: this.#account.headers,
      kindOfWords: this.#account.kindOfWords,
    }));
  }

  open(options: TtsOpenOptions): TtsSession {
    return new DeepgramReply({
      ...options,
      voice: options.voice || this.#options.model || DEFAULT_VOICE,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
      provider: DEEPGRAM_ID,
      pool: this.#pool,
      kindOfWords: this.#account.kindOfWords,
    });
  }

  /** Opens a socket for the voice; without a voice fills only the DNS cache, because the socket to open is not known yet. */
  async warm(voicing?: Pick<TtsOpenOptions, 'voice'>): Promise<void> {
    if (voicing) this.#pool.warm(voicing.voice || this.#options.model || DEFAULT_VOICE);
    else await this.#account.warm();
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#account.check(signal);
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
    return this.#account.socketUrl('/v1/speak', query);
  }
}
