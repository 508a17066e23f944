// openai-realtime: OpenAI's speech-to-speech models, by LiveKit's plugin.
import type OpenAI from 'openai';
import { ProviderError } from '../../failover/provider-error.ts';
import { toProviderError } from '../../vendors/openai-errors.ts';
import { listOpenAiModels, requireOpenAiModel } from '../../vendors/openai-models.ts';
import { createOpenAiSdk } from '../../vendors/openai-sdk.ts';
import { defineRealtime, type RealtimeClient, type RealtimeModelWish } from '../contract.ts';
import { ModelChain } from './model-chain.ts';

const ID = 'openai-realtime';
const CHECK_MS = 60_000;
const TURN_END_MS = 500;
/** Tried in order, as names end (https://developers.openai.com/api/docs/deprecations); all in the SDK's `RealtimeSessionCreateRequest`. */
const MODELS = ['gpt-realtime', 'gpt-realtime-2.1', 'gpt-realtime-1.5'] as const;

export const openaiRealtime = defineRealtime({
  id: ID,
  title: 'OpenAI Realtime',
  env: { OPENAI_API_KEY: 'required', OPENAI_BASE_URL: 'optional', OPENAI_REALTIME_BASE_URL: 'optional' },
  keyEnv: 'OPENAI_API_KEY',
  traits: {
    languages: 'any',
    // gpt-realtime: $32 and $64 per million audio tokens in and out (https://openai.com/api/pricing), 600 tokens a minute heard
    // and 1,200 spoken, half of the minute each; earlier audio is cached.
    usdPerMinute: 0.06,
    quality: 0.95,
    regions: ['us', 'eu'],
    typicalFirstMs: 600,
    // The preview models end a session after 30 minutes, gpt-realtime after 60, which it announces.
    sessionMs: 28 * 60_000,
  },
  create: ({ env, model }) =>
    new OpenAiRealtimeClient({
      apiKey: env.OPENAI_API_KEY ?? '',
      baseUrl: env.OPENAI_REALTIME_BASE_URL || env.OPENAI_BASE_URL || 'https://api.openai.com/v1',
      models: new ModelChain(model, MODELS),
    }),
});

interface Account {
  readonly apiKey: string;
  /** Includes the API version. */
  readonly baseUrl: string;
  readonly models: ModelChain;
}

class OpenAiRealtimeClient implements RealtimeClient {
  readonly #account: Account;
  #sdk: Promise<OpenAI> | undefined;

  constructor(account: Account) {
    this.#account = account;
  }

  async model({ language, voice = 'alloy' }: RealtimeModelWish = {}) {
    const { realtime } = await import('@livekit/agents-plugin-openai');
    const { apiKey, baseUrl } = this.#account;
    const model = this.#account.models.current;
    return new realtime.RealtimeModel({
      apiKey,
      baseURL: baseUrl,
      model,
      voice,
      turnDetection: {
        type: 'server_vad',
        silence_duration_ms: TURN_END_MS,
        create_response: true,
        interrupt_response: true,
      },
      inputAudioTranscription: {
        model: 'gpt-4o-mini-transcribe',
        ...(language && { language: language.split('-')[0] as string }),
      },
    });
  }

  leaveModel(model: string): boolean {
    return this.#account.models.leave(model);
  }

  /** Loads the plugin, which takes some tenths of a second; sends no request. */
  async warm(): Promise<void> {
    await import('@livekit/agents-plugin-openai');
  }

  /** Free of charge; detects a wrong key, a dead server and, once, a missing model, which it leaves for the next. */
  async check(signal: AbortSignal): Promise<void> {
    const { apiKey, baseUrl } = this.#account;
    try {
      this.#sdk ??= createOpenAiSdk({ apiKey, baseUrl, timeoutMs: CHECK_MS });
      const models = await listOpenAiModels(await this.#sdk, ID, signal);
      const model = this.#account.models.current;
      if (models.length > 0 && !models.includes(model)) this.leaveModel(model);
      requireOpenAiModel(model, models, ID);
    } catch (cause) {
      if (!signal.aborted) throw toProviderError(cause, ID, apiKey);
      throw new ProviderError({ kind: 'timeout', provider: ID, message: `${ID} did not answer in time`, cause });
    }
  }

  async close(): Promise<void> {
    this.#sdk = undefined;
  }
}
