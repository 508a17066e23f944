// gemini-live: Google's speech-to-speech models (the Live API), by LiveKit's plugin.
import type { GoogleGenAI } from '@google/genai';
import { ProviderError } from '../../failover/provider-error.ts';
import { checkGeminiModel, createGeminiSdk, GEMINI_URL, type GeminiAccount } from '../../vendors/gemini-sdk.ts';
import { defineRealtime, type RealtimeClient, type RealtimeModelWish } from '../contract.ts';
import { GEMINI_DEADLINES } from '../plugins/gemini-adapter.ts';
import { ModelChain } from './model-chain.ts';

const ID = 'gemini-live';
const TURN_END_MS = 500;
/**
 * Tried in this order, as previews are retired (https://ai.google.dev/gemini-api/docs/deprecations, read in November 2026). Left out:
 * gemini-3.1-flash-live-preview, which closes a session that is sent anything as turns after it has answered (livekit/agents 5251).
 */
const MODELS = ['gemini-2.5-flash-native-audio-preview-12-2025', 'gemini-3.8-live'] as const;

export const geminiLive = defineRealtime({
  id: ID,
  title: 'Gemini Live',
  env: {
    GOOGLE_API_KEY: 'optional',
    GEMINI_API_KEY: 'optional',
    GEMINI_BASE_URL: 'optional',
    GEMINI_LIVE_BASE_URL: 'optional',
  },
  needsOneOf: ['GOOGLE_API_KEY', 'GEMINI_API_KEY'],
  keyEnv: 'GOOGLE_API_KEY',
  traits: {
    languages: 'any',
    // gemini-2.5-flash native audio: $3 and $12 per million audio tokens in and out (https://ai.google.dev/gemini-api/docs/pricing),
    // 25 tokens a second, half of the minute each; earlier audio is billed again in each turn.
    usdPerMinute: 0.02,
    quality: 0.9,
    regions: ['us', 'eu', 'asia'],
    typicalFirstMs: 600,
    // An audio-only session may last 15 minutes (https://ai.google.dev/gemini-api/docs/live-session); its connection ends
    // earlier, which the vendor announces.
    sessionMs: 14 * 60_000,
    deadlines: GEMINI_DEADLINES,
  },
  create: ({ env, model }) =>
    new GeminiLiveClient({
      provider: ID,
      apiKey: env.GOOGLE_API_KEY || env.GEMINI_API_KEY || '',
      baseUrl: env.GEMINI_LIVE_BASE_URL || env.GEMINI_BASE_URL || GEMINI_URL,
      models: new ModelChain(model, MODELS),
    }),
});

interface Account extends Omit<GeminiAccount, 'model'> {
  readonly models: ModelChain;
}

class GeminiLiveClient implements RealtimeClient {
  readonly #account: Account;
  #sdk: Promise<GoogleGenAI> | undefined;

  constructor(account: Account) {
    this.#account = account;
  }

  /** Passes no language: native-audio models choose it themselves and refuse language codes that they don't know. */
  async model({ voice = 'Aoede' }: RealtimeModelWish = {}) {
    const { realtime } = await import('@livekit/agents-plugin-google');
    const { apiKey, baseUrl } = this.#account;
    const model = this.#account.models.current;
    return new realtime.RealtimeModel({
      apiKey,
      model,
      voice,
      httpOptions: { baseUrl },
      realtimeInputConfig: { automaticActivityDetection: { silenceDurationMs: TURN_END_MS } },
    });
  }

  leaveModel(model: string): boolean {
    return this.#account.models.leave(model);
  }

  /** Loads the plugin, which takes some tenths of a second; sends no request. */
  async warm(): Promise<void> {
    await import('@livekit/agents-plugin-google');
  }

  /** Free of charge; detects a wrong key, a dead server and, once, a missing model, which it leaves for the next. */
  async check(signal: AbortSignal): Promise<void> {
    const model = this.#account.models.current;
    this.#sdk ??= createGeminiSdk(this.#account);
    try {
      await checkGeminiModel(this.#sdk, { ...this.#account, model }, signal);
    } catch (cause) {
      if (cause instanceof ProviderError && cause.kind === 'invalid-request') this.leaveModel(model);
      throw cause;
    }
  }

  async close(): Promise<void> {
    this.#sdk = undefined;
  }
}
