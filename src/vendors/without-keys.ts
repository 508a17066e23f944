// Takes keys out of vendors' words: some repeat the key that they refuse, whole or in part.

/** Keys of OpenAI, OpenRouter and Google, masked or not. */
const KEYS = /\b(?:sk-|AIza|AQ\.)[\w.*-]+/g;

export function withoutKeys(text: string, apiKey?: string): string {
  return (apiKey ? text.replaceAll(apiKey, '(key)') : text).replace(KEYS, '(key)');
}
