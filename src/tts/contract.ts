// What a text-to-speech provider is: types only.
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface TtsTraits extends ProviderTraits {
  /** Mono PCM16 at this rate is what `audio` parts carry. */
  readonly sampleRateHz: number;
  /** What times `word` parts carry: the vendor's own, ours by the length of words within a clause, or there are none. */
  readonly wordTimes: 'exact' | 'estimated' | 'none';
  /** The least text that is worth a flush where it limits them; a clause where absent. */
  readonly leastFlushChars?: number;
  /** Voice by language where the configuration names none. */
  readonly defaultVoices: Readonly<Record<string, string>>;
}

export type TtsPart =
  | { readonly type: 'audio'; readonly samples: Int16Array }
  /** As it was written, with what follows it; times are since the session's first sample. Comes before its audio. */
  | { readonly type: 'word'; readonly text: string; readonly startMs: number; readonly endMs: number }
  /** All text up to a `flush()` or `end()` is in the audio parts before this. */
  | { readonly type: 'segment-end' };

export interface TtsOpenOptions {
  readonly voice: string;
  readonly language: string;
  /** Aborting ends the session without an error. */
  readonly signal: AbortSignal;
  /** Called once the provider can work: its connection stands and its key was taken, as far as it tells. */
  readonly onOpen?: () => void;
}

/**
 * One reply. Text comes in pieces as the model writes it; audio leaves as soon as a clause can be spoken. `parts`
 * ends after `end()` once all is spoken, or throws one ProviderError. Nothing is thrown elsewhere.
 */
export interface TtsSession {
  readonly parts: AsyncIterable<TtsPart>;
  write(text: string): void;
  /** Speak what was written so far; a `segment-end` follows. */
  flush(): void;
  end(): void;
}

export interface TtsClient extends ProviderClient {
  /** @param voicing whom it will speak as; its default where absent */
  warm?(voicing?: Pick<TtsOpenOptions, 'voice' | 'language'>): Promise<void>;
  open(options: TtsOpenOptions): TtsSession;
}

export type TtsProvider = ProviderDefinition<'tts', TtsTraits, TtsClient>;

/** One provider = one file with one of these. */
export function defineTts(provider: Omit<TtsProvider, 'stage'>): TtsProvider {
  return { stage: 'tts', ...provider };
}

/** A voice in a chain. */
export interface TtsLink extends FailoverLink {
  readonly traits: TtsTraits;
  readonly client: TtsClient;
  /** The voice of each language at this provider; its default voice where absent. */
  readonly voices?: Readonly<Record<string, string>>;
}

export interface TtsChainOpenOptions extends Omit<TtsOpenOptions, 'voice'> {
  /** Of the audio parts, whoever speaks. */
  readonly sampleRateHz: number;
}
