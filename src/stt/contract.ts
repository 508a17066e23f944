// What a speech-to-text provider is: types only.
import type { SpeechExpectation } from '../config/expectation.ts';
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface SttTraits extends ProviderTraits {
  /** Sample rate in Hz of the mono PCM16 that `write` takes. */
  readonly sampleRateHz: number;
  readonly interimResults: boolean;
  /** Whether `words` carry times. */
  readonly wordTimes: boolean;
  /** The chain must tell it by `speech()` when the caller speaks (voice activity), as it can't find out cheaply. */
  readonly needsVoiceActivity: boolean;
  /** Its times may fall behind the audio, and it may report the end of speech before the words. Set for plugins, as this can't be known. */
  readonly clockLags?: boolean;
}

/** Milliseconds since a final was asked for: after `helpMs` the link is late, after `ms` it has failed. */
export interface FinalWait {
  readonly helpMs: number;
  readonly ms: number;
}

export interface SttWord {
  readonly text: string;
  /** Milliseconds since the session's first sample. */
  readonly startMs: number;
  readonly endMs: number;
}

export type SttPart =
  | {
      /** An interim restates the whole segment since the last final. */
      readonly type: 'interim' | 'final';
      readonly text: string;
      readonly startMs: number;
      readonly endMs: number;
      /** 0 to 1; 1 where the provider gives none. */
      readonly confidence: number;
      readonly language: string;
      readonly words: readonly SttWord[];
    }
  | { readonly type: 'speech-start' | 'speech-end'; readonly atMs: number };

export interface SttOpenOptions {
  readonly language: string;
  /** Words that the caller is likely to say: names, products. */
  readonly keyPhrases?: readonly string[] | undefined;
  /** Aborting ends the session without an error. */
  readonly signal: AbortSignal;
  /** Called once the provider is ready: its connection is open and it accepted the key, as far as it reports that. */
  readonly onOpen?: () => void;
}

/**
 * One stream of caller audio. `parts` ends after `end()` once everything written is transcribed, or throws one
 * ProviderError. Nothing is thrown elsewhere.
 */
export interface SttSession {
  readonly parts: AsyncIterable<SttPart>;
  /** Mono PCM16 at `traits.sampleRateHz`; the session neither keeps nor changes the array. */
  write(samples: Int16Array): void;
  /** Reports that voice activity began or ended; called only where `traits.needsVoiceActivity`. */
  speech?(active: boolean): void;
  /** What the agent expects to hear from now on. */
  expect?(expectation: SpeechExpectation): void;
  /** Finalise what was written so far. */
  flush(): void;
  end(): void;
}

export interface SttClient extends ProviderClient {
  open(options: SttOpenOptions): SttSession;
  /** Wait for a final, where the model takes longer over it than over the next words; the stall deadlines where absent. */
  readonly finals?: FinalWait;
}

export type SttProvider = ProviderDefinition<'stt', SttTraits, SttClient>;

/** Defines an STT provider; each provider has a file of its own. */
export function defineStt(provider: Omit<SttProvider, 'stage'>): SttProvider {
  return { stage: 'stt', ...provider };
}

/** A link of an STT chain: one recogniser with one key. */
export interface SttLink extends FailoverLink {
  readonly traits: SttTraits;
  readonly client: SttClient;
}
