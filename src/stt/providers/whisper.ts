// whisper: OpenAI's transcriptions, or those of any server that speaks the same; one request for an utterance.
import type OpenAI from 'openai';
import { writeWav } from '../../audio/wav.ts';
import { networkCode, retryAfterMs } from '../../failover/http-error.ts';
import { kindOfStatus, ProviderError, type ProviderErrorKind } from '../../failover/provider-error.ts';
import { createOpenAiSdk } from '../../vendors/openai-sdk.ts';
import { defineStt, type SttClient, type SttOpenOptions, type SttSession } from '../contract.ts';
import { type HeardUtterance, ONE_REQUEST, type Utterance, UtteranceSession } from '../utterances.ts';

const ID = 'whisper';
const BASE_URL = 'https://api.openai.com/v1';
const MODEL = 'whisper-1';
const SAMPLE_RATE_HZ = 16_000;
/** Longer than any deadline of a chain: only a bound, so that nothing waits for ever. */
const TIMEOUT_MS = 30_000;
/** Whisper's own thresholds for a segment in which nobody speaks (no_speech_threshold, logprob_threshold). */
const NO_SPEECH_ABOVE = 0.6;
const UNSURE_BELOW_LOGPROB = -1;
/** It reads the last 224 tokens of a prompt. */
const MAX_PROMPT_CHARS = 600;

export interface WhisperOptions {
  /** Absent where the server wants none. */
  readonly apiKey?: string | undefined;
  /** With the version: `https://api.openai.com/v1`. */
  readonly baseUrl?: string | undefined;
  readonly model?: string | undefined;
  /** 30 s where absent. */
  readonly timeoutMs?: number;
}

export const whisper = defineStt({
  id: ID,
  title: 'Whisper',
  env: { OPENAI_API_KEY: 'optional', WHISPER_BASE_URL: 'optional' },
  keyEnv: 'OPENAI_API_KEY',
  needsOneOf: ['OPENAI_API_KEY', 'WHISPER_BASE_URL'],
  traits: {
    languages: 'any',
    sampleRateHz: SAMPLE_RATE_HZ,
    interimResults: false,
    wordTimes: true,
    needsVoiceActivity: true,
    // 0.006 a minute of audio (platform.openai.com/docs/pricing, whisper-1), of which callers fill about half.
    usdPerMinute: 0.003,
    quality: 0.85,
    regions: ['us'],
    deadlines: ONE_REQUEST,
    typicalFirstMs: 1_000,
  },
  create: ({ env, model }) =>
    createWhisper({ apiKey: env.OPENAI_API_KEY || undefined, baseUrl: env.WHISPER_BASE_URL || undefined, model }),
});

export function createWhisper(options: WhisperOptions): SttClient {
  return new WhisperClient(options);
}

class WhisperClient implements SttClient {
  readonly #options: WhisperOptions;
  readonly #model: string;
  readonly #closed = new AbortController();
  #sdk: Promise<OpenAI> | undefined;

  constructor(options: WhisperOptions) {
    this.#options = options;
    this.#model = options.model || MODEL;
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

  /** Loads the SDK, which takes a tenth of a second. */
  async warm(): Promise<void> {
    await this.#connect();
  }

  /** Lists the models: costs nothing, and tells a wrong key and a dead server. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      await (await this.#connect()).models.list({ signal });
    } catch (error) {
      const failed = toProviderError(error);
      // Some servers on own machines have no such list: this one answers, so it stands.
      if (this.#options.baseUrl !== undefined && failed.status === 404) return;
      throw failed;
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  async #recognise({ samples, sampleRateHz, language, signal, ...hints }: Utterance): Promise<HeardUtterance> {
    const prompt = promptOf(hints);
    const [base = ''] = language.toLowerCase().split('-');
    // The newer models refuse the form with times.
    const hasTimes = !this.#model.startsWith('gpt-');
    const file = new File([new Uint8Array(writeWav(samples, sampleRateHz))], 'speech.wav', { type: 'audio/wav' });
    // The SDK's own time-out ends with the head of the answer.
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS);
    try {
      const sdk = await this.#connect();
      const answer: unknown = await sdk.audio.transcriptions.create(
        {
          file,
          model: this.#model,
          ...(/^[a-z]{2,3}$/.test(base) && { language: base }),
          ...(prompt !== '' && { prompt }),
          ...(hasTimes
            ? { response_format: 'verbose_json', timestamp_granularities: ['word', 'segment'] }
            : { response_format: 'json' }),
        },
        { signal: AbortSignal.any([signal, timeout]) },
      );
      return heardIn(answer);
    } catch (error) {
      if (timeout.aborted) throw kindError('timeout', undefined, 'no answer in time');
      throw toProviderError(error);
    }
  }

  #connect(): Promise<OpenAI> {
    const { apiKey, baseUrl = BASE_URL, timeoutMs = TIMEOUT_MS } = this.#options;
    this.#sdk ??= createOpenAiSdk({ baseUrl: baseUrl.replace(/\/+$/, ''), apiKey, timeoutMs });
    return this.#sdk;
  }
}

/** Whisper takes up the spelling of what stands before the audio: the last words weigh most. */
function promptOf({ keyPhrases, expectation }: Pick<Utterance, 'keyPhrases' | 'expectation'>): string {
  const phrases = [...keyPhrases, ...(expectation.kind === 'phrases' ? expectation.phrases : [])];
  return phrases.join(', ').slice(-MAX_PROMPT_CHARS);
}

interface Transcript {
  readonly text: string;
  readonly error?: unknown;
  readonly words?: readonly { readonly word: string; readonly start: number; readonly end: number }[] | null;
  readonly segments?: readonly { readonly avg_logprob?: number; readonly no_speech_prob?: number }[] | null;
}

function heardIn(answer: unknown): HeardUtterance {
  const transcript = answer as Transcript | null;
  const error = transcript?.error as ErrorBody | null | undefined;
  if (error) throw kindError(kindOfCode(error) ?? 'server', undefined, error.code ?? 'an error under status 200');
  if (typeof transcript?.text !== 'string')
    throw kindError('malformed', undefined, 'sent something that is no transcript');
  const segments = transcript.segments ?? [];
  const logprobs = segments.flatMap(({ avg_logprob }) => (typeof avg_logprob === 'number' ? [avg_logprob] : []));
  return {
    text: segments.length > 0 && segments.every(isSilent) ? '' : transcript.text.trim(),
    confidence: logprobs.length > 0 ? Math.exp(logprobs.reduce((sum, one) => sum + one, 0) / logprobs.length) : 1,
    words: (transcript.words ?? []).map(({ word, start, end }) => ({
      text: word.trim(),
      startMs: start * 1000,
      endMs: end * 1000,
    })),
  };
}

function isSilent({ avg_logprob = 0, no_speech_prob = 0 }: NonNullable<Transcript['segments']>[number]): boolean {
  return no_speech_prob > NO_SPEECH_ABOVE && avg_logprob < UNSURE_BELOW_LOGPROB;
}

interface ErrorBody {
  readonly code?: string | null;
  readonly type?: string | null;
}

/** What the SDK's errors have in common; read by shape, so that the SDK need not be loaded. */
interface SdkError extends Error, ErrorBody {
  readonly status?: number | undefined;
  readonly headers?: Headers | undefined;
}

function toProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  const failed = (error instanceof Error ? error : new Error(String(error))) as SdkError;
  const { status } = failed;
  const kind = kindOfCode(failed) ?? (status === undefined ? kindOfTransport(failed) : kindOfStatus(status));
  // The vendor's words are left out, as they may name the key.
  const words = status === undefined ? transportWords(kind, failed) : (failed.code ?? 'refused');
  return kindError(kind, failed, words);
}

function kindError(kind: ProviderErrorKind, failed: SdkError | undefined, words: string): ProviderError {
  const status = failed?.status;
  return new ProviderError({
    kind,
    provider: ID,
    message: `${ID}: ${status === undefined ? '' : `${status} `}${words}`,
    status,
    retryAfterMs: retryAfterMs(failed?.headers),
    cause: failed,
  });
}

function kindOfCode({ code, type }: ErrorBody): ProviderErrorKind | undefined {
  if (code === 'insufficient_quota' || type === 'insufficient_quota') return 'quota';
  if (code === 'invalid_api_key') return 'auth';
  if (code === 'rate_limit_exceeded') return 'rate-limit';
  return undefined;
}

function kindOfTransport(failed: SdkError): ProviderErrorKind {
  // Read by name, for the same reason.
  if (failed.constructor.name === 'APIConnectionTimeoutError') return 'timeout';
  // fetch tells a broken connection as a TypeError, but with a cause.
  const isBadJson = failed instanceof SyntaxError || (failed instanceof TypeError && failed.cause === undefined);
  return isBadJson ? 'malformed' : 'unreachable';
}

function transportWords(kind: ProviderErrorKind, failed: SdkError): string {
  if (kind === 'timeout') return 'no answer in time';
  return kind === 'malformed' ? 'sent something that is no JSON' : `the connection failed${networkCode(failed)}`;
}
