// What a speech-to-text provider is: types only.
import type { SpeechExpectation } from '../config/expectation.ts';
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface SttTraits extends ProviderTraits {
  /** Mono PCM16 at this rate is what `write` takes. */
  readonly sampleRateHz: number;
  readonly interimResults: boolean;
  /** Whether `words` carry times. */
  readonly wordTimes: boolean;
  /** It must be told by `speech()` when the caller speaks (voice activity), as it can't find out cheaply. */
  readonly needsVoiceActivity: boolean;
  /** Its times may fall behind the audio, and it may tell the end of speech before the words: so do plugins, as it can't be known. */
  readonly clockLags?: boolean;
}

/** In milliseconds from the moment at which a final was asked for: then it is late, then it has failed. */
export interface FinalWait {
  readonly helpMs: number;
  readonly ms: number;
}

export interface SttWord {
  readonly text: string;
  /** Since the session's first sample. */
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
  /** Words that are likely: names, products. */
  readonly keyPhrases?: readonly string[] | undefined;
  /** Aborting ends the session without an error. */
  readonly signal: AbortSignal;
  /** Called once the provider can work: its connection stands and its key was taken, as far as it tells. */
  readonly onOpen?: () => void;
}

/**
 * One stream of caller audio. `parts` ends after `end()` once everything written is transcribed, or throws one
 * ProviderError. Nothing is thrown elsewhere.
 */
export interface SttSession {
  readonly parts: AsyncIterable<SttPart>;
  /** Mono PCM16 at `traits.sampleRateHz`; the array is not kept, nor changed. */
  write(samples: Int16Array): void;
  /** Voice activity began or ended; only where `traits.needsVoiceActivity`. */
  speech?(active: boolean): void;
  /** What the agent expects to hear from now on. */
  expect?(expectation: SpeechExpectation): void;
  /** Finalise what was written so far. */
  flush(): void;
  end(): void;
}

export interface SttClient extends ProviderClient {
  open(options: SttOpenOptions): SttSession;
  /** Where its model takes longer over a final than over the next words; the stall's wait where absent. */
  readonly finals?: FinalWait;
}

export type SttProvider = ProviderDefinition<'stt', SttTraits, SttClient>;

/** One provider = one file with one of these. */
export function defineStt(provider: Omit<SttProvider, 'stage'>): SttProvider {
  return { stage: 'stt', ...provider };
}

/** A recogniser in a chain. */
export interface SttLink extends FailoverLink {
  readonly traits: SttTraits;
  readonly client: SttClient;
}
