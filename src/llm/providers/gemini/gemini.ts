// gemini: Google's models by the Gemini API (a key of AI Studio).
import { GEMINI_URL } from '../../../vendors/gemini-sdk.ts';
import { defineLlm } from '../../contract.ts';
import { geminiClient } from './client.ts';

export const gemini = defineLlm({
  id: 'gemini',
  title: 'Gemini',
  env: { GOOGLE_API_KEY: 'optional', GEMINI_API_KEY: 'optional', GEMINI_BASE_URL: 'optional' },
  needsOneOf: ['GOOGLE_API_KEY', 'GEMINI_API_KEY'],
  keyEnv: 'GOOGLE_API_KEY',
  traits: {
    languages: 'any',
    // gemini-2.5-flash: $0.30 and $2.50 a million tokens (https://ai.google.dev/gemini-api/docs/pricing), at 4 turns a
    // minute of 400 tokens in and 60 out.
    usdPerMinute: 0.0011,
    quality: 0.85,
    regions: ['us', 'eu', 'asia'],
    typicalFirstMs: 500,
    callsComeWhole: true,
  },
  create: ({ env, model }) =>
    geminiClient({
      provider: 'gemini',
      apiKey: env.GOOGLE_API_KEY || env.GEMINI_API_KEY || '',
      baseUrl: env.GEMINI_BASE_URL || GEMINI_URL,
      model: model || 'gemini-2.5-flash',
    }),
});
