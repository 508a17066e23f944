// What the caller hears where every model refuses the content: a sentence, as silence would sound like an outage.

const SENTENCES = {
  en: "I'm sorry, I can't help with that.",
  es: 'Lo siento, no puedo ayudar con eso.',
  fr: 'Désolé, je ne peux pas vous aider sur ce point.',
} as const;

/** @param language BCP 47 */
export function refusalIn(language: string): string {
  const [tag = ''] = language.toLowerCase().split('-');
  return SENTENCES[tag as keyof typeof SENTENCES] ?? SENTENCES.en;
}
