// What Google's Speech-to-Text v1 is asked for, whole utterances and streams alike.
import type { SpeechExpectation } from '../../../config/expectation.ts';

export const GOOGLE_ID = 'google';
export const GOOGLE_BASE_URL = 'https://speech.googleapis.com';
export const GOOGLE_SAMPLE_RATE_HZ = 16_000;
const MODEL = 'latest_long';
/** Google requires a region; where the configuration names none, the larger one is used. */
const REGIONS: Readonly<Record<string, string>> = { en: 'en-US', es: 'es-ES', fr: 'fr-FR', de: 'de-DE', pt: 'pt-BR' };
/** Class tokens of speech adaptation (cloud.google.com/speech-to-text/docs/class-tokens). */
const DIGITS = '$OOV_CLASS_DIGIT_SEQUENCE';
const LETTERS = '$OOV_CLASS_ALPHANUMERIC_SEQUENCE';
/** A phrase may have 100 characters, and a request 5,000 phrases (cloud.google.com/speech-to-text/quotas). */
const MAX_PHRASE_CHARS = 100;
const MAX_PHRASES = 5_000;

export interface GoogleHearing {
  readonly language: string;
  /** latest_long where absent. */
  readonly model?: string | undefined;
  /** Words that the caller is likely to say. */
  readonly keyPhrases: readonly string[];
  readonly expectation: SpeechExpectation;
}

/** Google's RecognitionConfig, for mono PCM16 at 16 kHz. */
export function googleConfig({ language, model, keyPhrases, expectation }: GoogleHearing) {
  const phrases = [...expectedPhrases(expectation), ...keyPhrases]
    .filter(({ length }) => length <= MAX_PHRASE_CHARS)
    .slice(0, MAX_PHRASES);
  return {
    encoding: 'LINEAR16' as const,
    sampleRateHertz: GOOGLE_SAMPLE_RATE_HZ,
    languageCode: REGIONS[language] ?? language,
    model: model || MODEL,
    enableWordTimeOffsets: true,
    enableAutomaticPunctuation: true,
    ...(phrases.length > 0 && { speechContexts: [{ phrases }] }),
  };
}

function expectedPhrases(expectation: SpeechExpectation): readonly string[] {
  return {
    open: [],
    'yes-no': ['yes', 'no'],
    digits: [DIGITS],
    spelling: [LETTERS],
    phrases: expectation.kind === 'phrases' ? expectation.phrases : [],
  }[expectation.kind];
}
