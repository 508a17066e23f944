// Google's Speech-to-Text v1 over REST, one request for an utterance, by an API key.
import { networkError, retryAfterMs } from '../../../failover/http-error.ts';
import { ProviderError } from '../../../failover/provider-error.ts';
import type { SttClient, SttOpenOptions, SttSession } from '../../contract.ts';
import { type HeardUtterance, type Utterance, UtteranceSession } from '../../utterances.ts';
import { googleFailure, kindOfGoogle } from './errors.ts';
import { GOOGLE_BASE_URL, GOOGLE_ID, GOOGLE_SAMPLE_RATE_HZ, googleConfig } from './request.ts';

/** Upper bound, so that nothing waits for ever; longer than any deadline of a chain. */
const TIMEOUT_MS = 30_000;

export interface GoogleSpeechOptions {
  readonly apiKey: string;
  readonly baseUrl?: string | undefined;
  readonly model?: string | undefined;
  /** 30 s where absent. */
  readonly timeoutMs?: number;
}

export function createGoogleSpeech(options: GoogleSpeechOptions): SttClient {
  return new GoogleSpeechClient(options);
}

class GoogleSpeechClient implements SttClient {
  readonly #options: GoogleSpeechOptions;
  readonly #baseUrl: string;
  readonly #closed = new AbortController();

  constructor(options: GoogleSpeechOptions) {
    this.#options = options;
    this.#baseUrl = (options.baseUrl ?? GOOGLE_BASE_URL).replace(/\/+$/, '');
  }

  open(options: SttOpenOptions): SttSession {
    return new UtteranceSession({
      ...options,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
      provider: GOOGLE_ID,
      sampleRateHz: GOOGLE_SAMPLE_RATE_HZ,
      recognise: (utterance) => this.#recognise(utterance),
    });
  }

  /** Lists long-running operations, of which there are none: that costs nothing and reveals a wrong key or a dead service. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      await this.#ask('GET', '/v1/operations?pageSize=1', undefined, signal);
    } catch (error) {
      // The service is up and accepted the key; a missing list is no reason not to use it.
      if (error instanceof ProviderError && (error.status === 404 || error.status === 501)) return;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  async #recognise({ samples, ...utterance }: Utterance): Promise<HeardUtterance> {
    const config = googleConfig({ ...utterance, model: this.#options.model });
    const content = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString('base64');
    return heardIn(await this.#ask('POST', '/v1/speech:recognize', { config, audio: { content } }, utterance.signal));
  }

  async #ask(method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#baseUrl}${path}`, {
        method,
        // The key goes in a header, as URLs end up in the logs of proxies.
        headers: { 'x-goog-api-key': this.#options.apiKey, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, timeout]),
      });
      text = await response.text();
    } catch (error) {
      if (timeout.aborted) throw googleFailure('timeout', 'no answer in time');
      throw networkError(GOOGLE_ID, error);
    }
    const answer = parse(text);
    if (!response.ok || isError(answer)) throw refusal(response, answer);
    if (answer === undefined) throw googleFailure('malformed', 'sent something that is no JSON');
    return answer;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface RecognizeResponse {
  /** Results for consecutive portions of the audio; absent where nobody said anything. */
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
    throw googleFailure('malformed', 'sent something that is no transcript');
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

/** Milliseconds of a duration such as "1.200s"; the vendor may leave out a zero. */
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

/** Leaves out Google's own text, as it may name the project. */
function refusal(response: Response, answer: unknown): ProviderError {
  const error: GoogleError = isError(answer) ? answer.error : {};
  const status = response.ok ? (error.code ?? 500) : response.status;
  const details = Array.isArray(error.details) ? (error.details as NonNullable<GoogleError['details']>) : [];
  const reason = details.find((detail) => detail.reason)?.reason;
  const delayMs = toMs(details.find((detail) => detail.retryDelay)?.retryDelay);
  return new ProviderError({
    kind: kindOfGoogle(status, error.status, reason),
    provider: GOOGLE_ID,
    message: `${GOOGLE_ID}: ${status} ${reason ?? error.status ?? 'refused'}`,
    status,
    retryAfterMs: retryAfterMs(response.headers) ?? (delayMs || undefined),
  });
}
