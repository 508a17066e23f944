// Which language a call is held in: the wished one where the serving providers know it, else English, said clearly.
import type { Links } from './stages.ts';

const FALLBACK = 'en-US';

export interface LanguageChoice {
  readonly language: string;
  /** For the caller, when the wish can't be met. */
  readonly notice?: string;
}

export function chooseLanguage(wish: string | undefined, links: Pick<Links, 'stt' | 'llm' | 'tts'>): LanguageChoice {
  const language = wish ?? FALLBACK;
  const unable = (['stt', 'llm', 'tts'] as const).filter((stage) => !serves(links[stage].traits.languages, language));
  if (unable.length === 0) return { language };
  const who = unable.map((stage) => links[stage].id).join(', ');
  const name = new Intl.DisplayNames(['en'], { type: 'language' }).of(language) ?? language;
  return {
    language: FALLBACK,
    notice: `${name} is not spoken by ${who}; this call is held in English. Give a provider that speaks it (see .env.example).`,
  };
}

function serves(languages: readonly string[] | 'any', wish: string): boolean {
  if (languages === 'any') return true;
  const base = wish.split('-')[0];
  return languages.some((known) => known === wish || known.split('-')[0] === base);
}
