// How a model that speaks by itself is asked for given words.

/** @param language BCP 47 */
export function exactWords(words: string, language: string): string {
  return `Say exactly these words, in the language ${language}, and nothing else: "${words}"`;
}
