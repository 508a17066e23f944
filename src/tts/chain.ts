// What "go on" means for text to speech: what was not yet spoken is spoken by a provider that can.
import type { TtsClient, TtsOpenOptions, TtsSession, TtsTraits } from './contract.ts';

export interface TtsLink {
  readonly id: string;
  /** What people call it; the id where absent. */
  readonly title?: string;
  readonly traits: TtsTraits;
  readonly client: TtsClient;
  /** The voice of each language at this provider; its default voice where absent. */
  readonly voices?: Readonly<Record<string, string>>;
}

/**
 * One reply over the chain's link, in the voice that the configuration names for it.
 * @throws RangeError when `links` is empty
 */
export function openTtsChain(links: readonly TtsLink[], options: Omit<TtsOpenOptions, 'voice'>): TtsSession {
  const link = links[0];
  if (!link) throw new RangeError('a chain needs at least one link');
  return link.client.open({ ...options, voice: voiceOf(link, options.language) });
}

function voiceOf(link: TtsLink, language: string): string {
  return (
    link.voices?.[language] ?? link.traits.defaultVoices[language] ?? Object.values(link.traits.defaultVoices)[0] ?? ''
  );
}
