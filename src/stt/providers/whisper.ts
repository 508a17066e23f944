// whisper: OpenAI's transcriptions, or those of any server that speaks the same; one request for an utterance.
import type OpenAI from 'openai';
import { writeWav } from '../../audio/wav.ts';
import { ProviderError, type ProviderErrorKind } from '../../failover/provider-error.ts';
import { kindOfCode, type OpenAiErrorCode, toProviderError } from '../../vendors/openai-errors.ts';
import { createOpenAiSdk } from '../../vendors/openai-sdk.ts';
import { defineStt, type SttClient, type SttOpenOptions, type SttSession } from '../contract.ts';
import { type HeardUtterance, ONE_REQUEST, type Utterance, UtteranceSession } from '../utterances.ts';

const ID = 'whisper';
const BASE_URL = 'https://api.openai.com/v1';
const MODEL = 'whisper-1';
const SAMPLE_RATE_HZ = 16_000;
/** Upper bound, so that nothing waits for ever; longer than any deadline of a chain. */
const TIMEOUT_MS = 30_000;
/** Whisper's own thresholds for a segment in which nobody speaks (no_speech_threshold, logprob_threshold). */
const NO_SPEECH_ABOVE = 0.6;
const UNSURE_BELOW_LOGPROB = -1;
/** Whisper reads only the last 224 tokens of a prompt. */
const MAX_PROMPT_CHARS = 600;

export interface WhisperOptions {
  /** Absent where the server needs no key. */
  readonly apiKey?: string | undefined;
  /** URL with the version; `https://api.openai.com/v1` where absent. */
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
    // USD 0.006 per minute of audio (platform.openai.com/docs/pricing, whisper-1); callers speak for about half of the time.
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

  /** Lists the models: that costs nothing and reveals a wrong key or a dead server. */
  async check(signal: AbortSignal): Promise<void> {
    try {
      await (await this.#connect()).models.list({ signal });
    } catch (error) {
      const failed = toProviderError(error, ID, this.#options.apiKey);
      // Some self-hosted servers have no such list: this one answers, so it is up.
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
    // The newer models refuse the response format with times.
    const hasTimes = !this.#model.startsWith('gpt-');
    const file = new File([new Uint8Array(writeWav(samples, sampleRateHz))], 'speech.wav', { type: 'audio/wav' });
    // The SDK's own time-out ends when the response headers arrive.
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
      if (timeout.aborted) throw failure('timeout', 'no answer in time');
      throw toProviderError(error, ID, this.#options.apiKey);
    }
  }

  #connect(): Promise<OpenAI> {
    const { apiKey, baseUrl = BASE_URL, timeoutMs = TIMEOUT_MS } = this.#options;
    this.#sdk ??= createOpenAiSdk({ baseUrl: baseUrl.replace(/\/+$/, ''), apiKey, timeoutMs });
    return this.#sdk;
  }
}

/** Whisper adopts the spelling of the prompt, and its last words weigh most. */
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
  const error = transcript?.error as OpenAiErrorCode | null | undefined;
  if (error) throw failure(kindOfCode(error) ?? 'server', `${error.code ?? 'an error'} under status 200`);
  if (typeof transcript?.text !== 'string') throw failure('malformed', 'sent something that is no transcript');
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

function failure(kind: ProviderErrorKind, words: string): ProviderError {
  return new ProviderError({ kind, provider: ID, message: `${ID}: ${words}` });
}
