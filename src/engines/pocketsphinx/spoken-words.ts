// Written words as the dictionary has them.

/** "Harbor-Solar's 2nd" → ["harbor", "solar's", "nd"]: lower case, letters and apostrophes only. */
export function spokenWords(text: string): string[] {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replaceAll('’', "'")
    .split(/[^a-z']+/)
    .map((word) => word.replace(/^'+|'+$/g, ''))
    .filter(Boolean);
}
