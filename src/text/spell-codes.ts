// Codes that are said letter by letter: voices leave letters out where they stand in a lump.

/** Capitals and digits in one word, or capitals with hyphens between: "AB12-X9", "T-E-S-T". */
const CODE = /\b(?:[A-Z0-9]+-)*(?:[A-Z]+\d|\d+[A-Z])[A-Z0-9]*(?:-[A-Z0-9]+)*\b|\b[A-Z](?:-[A-Z]){2,}\b/g;
const LONE = /(?<![\p{L}\p{N}'’])[\p{L}\p{N}](?![\p{L}\p{N}'’])/gu;
/** A single letter takes as long to say as this many letters in a word. */
const LETTER_CHARS = 4;

export function spellCodes(text: string): string {
  return text.replace(CODE, (code) => [...code.replaceAll('-', '')].join(' '));
}

/** Length of the text, as the number of characters of plain words that take as long to say. */
export function spokenChars(text: string): number {
  const spelled = spellCodes(text.trim());
  return spelled.length + (LETTER_CHARS - 1) * (spelled.match(LONE)?.length ?? 0);
}
