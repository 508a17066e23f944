// google: Google's Speech-to-Text, streaming where a service account is given, else by an API key.
import { defineStt } from '../../contract.ts';
import { ONE_REQUEST } from '../../utterances.ts';
import { GOOGLE_ID, GOOGLE_SAMPLE_RATE_HZ } from './request.ts';
import { createGoogleSpeech } from './rest.ts';
import { createGoogleStreaming } from './streaming.ts';

const COMMON = { languages: 'any', sampleRateHz: GOOGLE_SAMPLE_RATE_HZ, wordTimes: true } as const;

/** Of the two Google definitions this one serves where its variable is set (see registry). */
export const googleStreaming = defineStt({
  id: GOOGLE_ID,
  title: 'Google Speech-to-Text',
  env: { GOOGLE_APPLICATION_CREDENTIALS: 'required', GOOGLE_SPEECH_BASE_URL: 'optional' },
  traits: {
    ...COMMON,
    interimResults: true,
    needsVoiceActivity: false,
    // USD 0.024 per minute of audio (cloud.google.com/speech-to-text/pricing, v1), for each minute that the stream gets.
    usdPerMinute: 0.024,
    quality: 0.8,
    regions: ['us', 'eu'],
    typicalFirstMs: 600,
  },
  create: ({ env, model }) =>
    createGoogleStreaming({
      credentialsFile: env.GOOGLE_APPLICATION_CREDENTIALS ?? '',
      baseUrl: env.GOOGLE_SPEECH_BASE_URL || undefined,
      model,
    }),
});

export const google = defineStt({
  id: GOOGLE_ID,
  title: 'Google Speech-to-Text',
  env: { GOOGLE_API_KEY: 'required', GOOGLE_SPEECH_BASE_URL: 'optional' },
  keyEnv: 'GOOGLE_API_KEY',
  traits: {
    ...COMMON,
    interimResults: false,
    needsVoiceActivity: true,
    // USD 0.024 per minute of audio (cloud.google.com/speech-to-text/pricing, v1); callers speak for about half of the time.
    usdPerMinute: 0.012,
    quality: 0.8,
    regions: ['us', 'eu'],
    deadlines: ONE_REQUEST,
    typicalFirstMs: 800,
  },
  create: ({ env, model }) =>
    createGoogleSpeech({
      apiKey: env.GOOGLE_API_KEY ?? '',
      baseUrl: env.GOOGLE_SPEECH_BASE_URL || undefined,
      model,
    }),
});
