// What a text-to-speech provider is: types only.
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface TtsTraits extends ProviderTraits {
  /** Sample rate of the mono PCM16 in `audio` parts. */
  readonly sampleRateHz: number;
  /** Source of the times in `word` parts: the vendor, our estimate from word lengths within a clause, or no times at all. */
  readonly wordTimes: 'exact' | 'estimated' | 'none';
  /** Least characters worth a flush, for a vendor that limits flushes; where absent, every clause is flushed. */
  readonly leastFlushChars?: number;
  /** Default voice for each language, used where the configuration names none. */
  readonly defaultVoices: Readonly<Record<string, string>>;
}

export type TtsPart =
  | { readonly type: 'audio'; readonly samples: Int16Array }
  /** `text` is verbatim, with the blanks and marks that follow; times are since the session's first sample. Precedes its audio. */
  | { readonly type: 'word'; readonly text: string; readonly startMs: number; readonly endMs: number }
  /** All text up to one `flush()` or `end()` has been spoken in the audio parts before this one. */
  | { readonly type: 'segment-end' };

export interface TtsOpenOptions {
  readonly voice: string;
  readonly language: string;
  /** Aborting ends the session without an error. */
  readonly signal: AbortSignal;
  /** Called once the provider can work: it is connected and, as far as it reports, has accepted the key. */
  readonly onOpen?: () => void;
}

/**
 * Session for one reply. Text is written in pieces as the model generates it; audio is emitted as soon as a clause can be spoken.
 * `parts` ends after `end()` once all text is spoken, or throws one ProviderError. Nothing else throws.
 */
export interface TtsSession {
  readonly parts: AsyncIterable<TtsPart>;
  write(text: string): void;
  /** Speaks what was written so far; a `segment-end` follows. */
  flush(): void;
  end(): void;
}

export interface TtsClient extends ProviderClient {
  /** @param voicing whom it will speak as; its default where absent */
  warm?(voicing?: Pick<TtsOpenOptions, 'voice' | 'language'>): Promise<void>;
  open(options: TtsOpenOptions): TtsSession;
}

export type TtsProvider = ProviderDefinition<'tts', TtsTraits, TtsClient>;

/** Makes a provider definition; each provider file exports one. */
export function defineTts(provider: Omit<TtsProvider, 'stage'>): TtsProvider {
  return { stage: 'tts', ...provider };
}

/** A text-to-speech link of a chain. */
export interface TtsLink extends FailoverLink {
  readonly traits: TtsTraits;
  readonly client: TtsClient;
  /** Voice for each language at this provider; where absent, the provider's default voices apply. */
  readonly voices?: Readonly<Record<string, string>>;
}

export interface TtsChainOpenOptions extends Omit<TtsOpenOptions, 'voice'> {
  /** Sample rate of the `audio` parts, the same for every link. */
  readonly sampleRateHz: number;
}
