// Which language a call is held in: the wished one where the serving providers know it, else English, said clearly. Speech to
// speech may end with the pipeline, so its stages decide.
import { type Links, linksOfStage } from '../chains/links.ts';
import { PIPELINE_STAGES } from '../chains/stages.ts';

const FALLBACK = 'en-US';
const LONGEST_TAG = 35;

export interface LanguageChoice {
  readonly language: string;
  /** Text for the caller, when the wish can't be met. */
  readonly notice?: string;
}

export function chooseLanguage(wish: string | undefined, links: Links): LanguageChoice {
  const language = wish === undefined ? FALLBACK : canonicalTag(wish);
  if (language === undefined) {
    return {
      language: FALLBACK,
      notice: `“${wish?.slice(0, LONGEST_TAG)}” is no language tag such as “en-US”; this call is held in English.`,
    };
  }
  const unable = PIPELINE_STAGES.filter((stage) => linksFor(linksOfStage(links, stage), language).length === 0);
  if (unable.length === 0) return { language };
  const who = unable.map((stage) => links[stage].map(({ id }) => id).join(' or ')).join(', ');
  const name = new Intl.DisplayNames(['en'], { type: 'language' }).of(language) ?? language;
  return {
    language: FALLBACK,
    notice: `${name} is not spoken by ${who}; this call is held in English. Give a provider that speaks it (see .env.example).`,
  };
}

/** The canonical BCP 47 form; undefined when the text is not a tag, as it may come from anybody. */
function canonicalTag(text: string): string | undefined {
  try {
    return text.length > LONGEST_TAG ? undefined : Intl.getCanonicalLocales(text)[0];
  } catch {
    return undefined;
  }
}

/** The links of each stage that serve the language. */
export function linksInLanguage({ stt, llm, tts, realtime }: Links, language: string): Links {
  return {
    stt: linksFor(stt, language),
    llm: linksFor(llm, language),
    tts: linksFor(tts, language),
    realtime: linksFor(realtime, language),
  };
}

/** The links of a stage that serve the language, in their order. */
function linksFor<Link extends { readonly traits: { readonly languages: readonly string[] | 'any' } }>(
  links: readonly Link[],
  language: string,
): Link[] {
  return links.filter((link) => serves(link.traits.languages, language));
}

function serves(languages: readonly string[] | 'any', wish: string): boolean {
  if (languages === 'any') return true;
  const base = wish.split('-')[0];
  return languages.some((known) => known === wish || known.split('-')[0] === base);
}
