// google: Google's Speech-to-Text v1 over REST, one request for an utterance, by an API key.
import { networkError, retryAfterMs } from '../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../failover/provider-error.ts';
import { defineStt, type SttClient, type SttOpenOptions, type SttSession } from './contract.ts';
import { type HeardUtterance, type Utterance, UtteranceSession } from './utterances.ts';

const ID = 'google';
const BASE_URL = 'https://speech.googleapis.com';
const MODEL = 'latest_long';
const SAMPLE_RATE_HZ = 16_000;
/** Longer than any deadline of a chain: only a bound, so that nothing waits for ever. */
const TIMEOUT_MS = 30_000;
/** Google wants a region; where the configuration names none, the larger one. */
const REGIONS: Readonly<Record<string, string>> = { en: 'en-US', es: 'es-ES', fr: 'fr-FR', de: 'de-DE', pt: 'pt-BR' };
/** Class tokens of speech adaptation (cloud.google.com/speech-to-text/docs/class-tokens). */
const DIGITS = '$OOV_CLASS_DIGIT_SEQUENCE';
const LETTERS = '$OOV_CLASS_ALPHANUMERIC_SEQUENCE';
/** A phrase may have 100 characters, and a request 5,000 of them (cloud.google.com/speech-to-text/quotas). */
const MAX_PHRASE_CHARS = 100;
const MAX_PHRASES = 5_000;

export interface GoogleSpeechOptions {
  readonly apiKey: string;
  readonly baseUrl?: string | undefined;
  readonly model?: string | undefined;
  /** 30 s where absent. */
  readonly timeoutMs?: number;
}

export const google = defineStt({
  id: ID,
  title: 'Google Speech-to-Text',
  env: { GOOGLE_API_KEY: 'required', GOOGLE_SPEECH_BASE_URL: 'optional' },
  keyEnv: 'GOOGLE_API_KEY',
  traits: {
    languages: 'any',
    sampleRateHz: SAMPLE_RATE_HZ,
    interimResults: false,
    wordTimes: true,
    needsVoiceActivity: true,
    // 0.024 a minute of audio (cloud.google.com/speech-to-text/pricing, v1), of which callers fill about half.
    usdPerMinute: 0.012,
    quality: 0.8,
    regions: ['us', 'eu'],
    deadlines: { firstMs: 2_500 },
    typicalFirstMs: 800,
  },
  create: ({ env, model }) =>
    createGoogleSpeech({
      apiKey: env.GOOGLE_API_KEY ?? '',
      baseUrl: env.GOOGLE_SPEECH_BASE_URL || undefined,
      model,
    }),
});

export function createGoogleSpeech(options: GoogleSpeechOptions): SttClient {
  return new GoogleSpeechClient(options);
}

class GoogleSpeechClient implements SttClient {
  readonly #options: GoogleSpeechOptions;
  readonly #baseUrl: string;
  readonly #closed = new AbortController();

  constructor(options: GoogleSpeechOptions) {
    this.#options = options;
    this.#baseUrl = (options.baseUrl ?? BASE_URL).replace(/\/+$/, '');
  }

  open(options: SttOpenOptions): SttSession {
    return new UtteranceSession({
      ...options,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
      provider: ID,
      sampleRateHz: SAMPLE_RATE_HZ,
      recognise: (utterance) => this.#recognise(utterance),
    });
  }

  /** Lists long-running operations, of which there are none: it costs nothing and tells a wrong key and a dead service. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      await this.#ask('GET', '/v1/operations?pageSize=1', undefined, signal);
    } catch (error) {
      // The service stands and took the key; that it has no such list is no reason to do without it.
      if (error instanceof ProviderError && (error.status === 404 || error.status === 501)) return;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  async #recognise({ samples, ...utterance }: Utterance): Promise<HeardUtterance> {
    const { language, signal } = utterance;
    const phrases = phrasesFor(utterance);
    const config = {
      encoding: 'LINEAR16',
      sampleRateHertz: SAMPLE_RATE_HZ,
      languageCode: REGIONS[language] ?? language,
      model: this.#options.model || MODEL,
      enableWordTimeOffsets: true,
      enableAutomaticPunctuation: true,
      ...(phrases.length > 0 && { speechContexts: [{ phrases }] }),
    };
    const content = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString('base64');
    return heardIn(await this.#ask('POST', '/v1/speech:recognize', { config, audio: { content } }, signal));
  }

  async #ask(method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#baseUrl}${path}`, {
        method,
        // In a header, as addresses end up in the logs of proxies.
        headers: { 'x-goog-api-key': this.#options.apiKey, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, timeout]),
      });
      text = await response.text();
    } catch (error) {
      if (timeout.aborted) throw failure('timeout', 'no answer in time');
      throw networkError(ID, error);
    }
    const answer = parse(text);
    if (!response.ok || isError(answer)) throw refusal(response, answer);
    if (answer === undefined) throw failure('malformed', 'sent something that is no JSON', response.status);
    return answer;
  }
}

function phrasesFor({ keyPhrases, expectation }: Pick<Utterance, 'keyPhrases' | 'expectation'>): string[] {
  const expected = {
    open: [],
    'yes-no': ['yes', 'no'],
    digits: [DIGITS],
    spelling: [LETTERS],
    phrases: expectation.kind === 'phrases' ? expectation.phrases : [],
  }[expectation.kind];
  return [...expected, ...keyPhrases].filter(({ length }) => length <= MAX_PHRASE_CHARS).slice(0, MAX_PHRASES);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface RecognizeResponse {
  /** For portions of the audio, one after another; absent where nobody said anything. */
  readonly results?: readonly {
    readonly alternatives?: readonly {
      readonly transcript?: string;
      /** 0 = not given. */
      readonly confidence?: number;
      readonly words?: readonly { readonly word: string; readonly startTime?: string; readonly endTime?: string }[];
    }[];
  }[];
}

function heardIn(answer: unknown): HeardUtterance {
  const results = (answer as RecognizeResponse | null)?.results ?? [];
  if (typeof answer !== 'object' || answer === null || !Array.isArray(results)) {
    throw failure('malformed', 'sent something that is no transcript');
  }
  const best = (results as NonNullable<RecognizeResponse['results']>).flatMap(
    ({ alternatives }) => alternatives?.[0] ?? [],
  );
  const confidences = best.flatMap(({ confidence }) => (confidence ? [confidence] : []));
  return {
    text: best
      .map(({ transcript = '' }) => transcript.trim())
      .filter((text) => text !== '')
      .join(' '),
    confidence: confidences.length > 0 ? confidences.reduce((sum, one) => sum + one, 0) / confidences.length : 1,
    words: best.flatMap(({ words = [] }) =>
      words.map(({ word, startTime, endTime }) => ({ text: word, startMs: toMs(startTime), endMs: toMs(endTime) })),
    ),
  };
}

/** "1.200s"; a zero may be left out. */
function toMs(duration: string | undefined): number {
  return Math.round((Number.parseFloat(duration ?? '0') || 0) * 1000);
}

interface GoogleError {
  readonly code?: number;
  readonly status?: string;
  readonly details?: readonly { readonly reason?: string; readonly retryDelay?: string }[];
}

function isError(answer: unknown): answer is { readonly error: GoogleError } {
  const error = (answer as { error?: unknown } | null | undefined)?.error;
  return typeof error === 'object' && error !== null;
}

/** Google's own words are left out, as they may name the project. */
function refusal(response: Response, answer: unknown): ProviderError {
  const error: GoogleError = isError(answer) ? answer.error : {};
  const status = response.ok ? (error.code ?? 500) : response.status;
  const details = Array.isArray(error.details) ? (error.details as NonNullable<GoogleError['details']>) : [];
  const reason = details.find((detail) => detail.reason)?.reason;
  const delayMs = toMs(details.find((detail) => detail.retryDelay)?.retryDelay);
  return new ProviderError({
    kind: kindOf(status, error.status, reason),
    provider: ID,
    message: `${ID}: ${status} ${reason ?? error.status ?? 'refused'}`,
    status,
    retryAfterMs: retryAfterMs(response.headers) ?? (delayMs || undefined),
  });
}

function kindOf(status: number, name: string | undefined, reason: string | undefined): ProviderErrorKind {
  // A bad key is status 400.
  if (reason?.startsWith('API_KEY_')) return 'auth';
  if (reason === 'BILLING_DISABLED') return 'quota';
  // Its quotas are by the minute and by the day: it is full, not unpaid.
  if (name === 'RESOURCE_EXHAUSTED') return 'rate-limit';
  return kindOfStatus(status);
}

function failure(kind: ProviderErrorKind, words: string, status?: number): ProviderError {
  return new ProviderError({ kind, provider: ID, message: `${ID}: ${words}`, status });
}
