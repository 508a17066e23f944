// deepgram: streaming transcription. The socket is opened directly, as the SDK's own hides the status and headers of a refused
// handshake and connects again by itself; the SDK asks for the account.
import { DEEPGRAM_ID, DeepgramAccount } from '../../../vendors/deepgram-account.ts';
import { defineStt, type SttClient, type SttOpenOptions, type SttSession } from '../../contract.ts';
import { DeepgramSession } from './session.ts';

const MODEL = 'nova-3';
const SAMPLE_RATE_HZ = 16_000;
const KEEP_ALIVE_MS = 3_000;
/** Same as LiveKit's plugin: a final comes soon after a word, because voice activity tells the turns. */
const ENDPOINTING_MS = 25;
/** Deepgram allows 500 tokens (developers.deepgram.com/docs/keyterm), which is about this many terms. */
const MAX_KEY_TERMS = 100;

export interface DeepgramSttOptions {
  readonly apiKey: string;
  /** `https://api.deepgram.com` where absent. */
  readonly baseUrl?: string | undefined;
  /** nova-3 where absent. */
  readonly model?: string | undefined;
  /** 3 s where absent. */
  readonly keepAliveMs?: number;
}

export const deepgramStt = defineStt({
  id: DEEPGRAM_ID,
  title: 'Deepgram',
  env: { DEEPGRAM_API_KEY: 'required', DEEPGRAM_BASE_URL: 'optional' },
  keyEnv: 'DEEPGRAM_API_KEY',
  traits: {
    languages: [
      'en',
      'es',
      'fr',
      'de',
      'it',
      'pt',
      'nl',
      'ja',
      'ru',
      'hi',
      'sv',
      'da',
      'no',
      'pl',
      'tr',
      'uk',
      'ko',
      'id',
    ],
    sampleRateHz: SAMPLE_RATE_HZ,
    interimResults: true,
    wordTimes: true,
    needsVoiceActivity: false,
    // Nova-3, streaming, one language, pay as you go (deepgram.com/pricing, 2026), per minute of audio that the socket gets.
    usdPerMinute: 0.0048,
    quality: 0.95,
    regions: ['us'],
    // Interims come about once per second of audio and arrive up to half a second late.
    deadlines: { stallHelpMs: 1_400 },
    typicalFirstMs: 900,
  },
  create: ({ env, model }) =>
    createDeepgramStt({ apiKey: env.DEEPGRAM_API_KEY ?? '', baseUrl: env.DEEPGRAM_BASE_URL || undefined, model }),
});

export function createDeepgramStt(options: DeepgramSttOptions): SttClient {
  return new DeepgramSttClient(options);
}

class DeepgramSttClient implements SttClient {
  readonly #options: DeepgramSttOptions;
  readonly #account: DeepgramAccount;
  readonly #closed = new AbortController();

  constructor(options: DeepgramSttOptions) {
    this.#options = options;
    this.#account = new DeepgramAccount(options);
  }

  open({ keyPhrases = [], ...options }: SttOpenOptions): SttSession {
    return new DeepgramSession({
      ...options,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
      provider: DEEPGRAM_ID,
      url: this.#url(options.language, keyPhrases),
      headers: this.#account.headers,
      sampleRateHz: SAMPLE_RATE_HZ,
      keepAliveMs: this.#options.keepAliveMs ?? KEEP_ALIVE_MS,
      kindOfWords: this.#account.kindOfWords,
    });
  }

  /** Only fills the DNS cache: Deepgram closes a socket that gets no audio for 10 s (developers.deepgram.com/docs/audio-keep-alive). */
  async warm(): Promise<void> {
    await this.#account.warm();
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#account.check(signal);
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  #url(language: string, keyPhrases: readonly string[]): string {
    const model = this.#options.model || MODEL;
    const query = new URLSearchParams({
      model,
      language,
      encoding: 'linear16',
      sample_rate: String(SAMPLE_RATE_HZ),
      channels: '1',
      interim_results: 'true',
      vad_events: 'true',
      punctuate: 'true',
      smart_format: 'true',
      no_delay: 'true',
      endpointing: String(ENDPOINTING_MS),
    });
    // Nova-3 takes phrases under another parameter name than earlier models, which take single words only.
    const isNova3 = model.startsWith('nova-3');
    const terms = isNova3 ? keyPhrases : keyPhrases.flatMap((phrase) => phrase.split(/\s+/));
    for (const term of [...new Set(terms)].filter(Boolean).slice(0, MAX_KEY_TERMS)) {
      query.append(isNova3 ? 'keyterm' : 'keywords', term);
    }
    return this.#account.socketUrl('/v1/listen', query);
  }
}
