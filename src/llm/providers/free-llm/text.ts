// Words of an utterance, made comparable: lower case, no punctuation, no fillers, stems.

const FILLERS = new Set(['uh', 'um', 'er', 'erm', 'ah', 'hmm', 'mm', 'mhm']);

/** Words that say little about what is asked; they count only in phrases that have no others. */
const COMMON = new Set(
  (
    'a an the is are was were be am do does did done i you he she it we they me my your our us of to in on at for from with and or ' +
    'but so if that this these those there here can could would will shall should may might have has had get got go going ' +
    "want wanted like need please just know tell about any some what which who how when where why i'm i'd i've i'll it's " +
    "that's what's you're don't let lets hi hello hey okay ok well yes no not"
  ).split(' '),
);

/** Lower-case words without punctuation and fillers; apostrophes within words stay, and `555-0142` becomes two words. */
export function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/[’`]/g, "'")
    .split(/[^a-z0-9']+/)
    .map((word) => word.replace(/^'+|'+$/g, ''))
    .filter((word) => word !== '' && !FILLERS.has(word));
}

export function isCommon(word: string): boolean {
  return COMMON.has(word);
}

/** The words that carry meaning, or all of them where none does. */
export function contentWords(words: readonly string[]): readonly string[] {
  const content = words.filter((word) => !isCommon(word));
  return content.length > 0 ? content : words;
}

/** Cuts the endings that inflect English words, so that "opening", "opens" and "opened" are one. */
export function stem(word: string): string {
  const bare = word.replace(/'s$|s'$/, '');
  if (bare.length < 4) return bare;
  const cut = bare
    .replace(/(?:ies|ied)$/, 'y')
    .replace(/(sh|ch|x|z|ss)es$/, '$1')
    .replace(/(?<=[a-z]{3})(?:ing|ed)$/, '')
    .replace(/(?<=[^su])s$/, '');
  // "stopping" → "stop", "price" and "pricing" → "pric"
  return cut.replace(/([bdgmnprt])\1$/, '$1').replace(/(?<=[a-z]{3})e$/, '');
}

/** True where the caller seems to ask something rather than to answer. */
export function soundsLikeQuestion(text: string): boolean {
  if (text.trim().endsWith('?')) return true;
  const words = wordsOf(text).filter((word) => !/^(?:and|but|so|well|okay|ok|oh|sorry|hey)$/.test(word));
  return /^(?:what|what's|when|where|where's|who|who's|why|how|how's|which|do|does|did|are|is|can|could|would|will|have)$/.test(
    words[0] ?? '',
  );
}

/** Upper case at the start and a full stop at the end, so that a synthesiser phrases it as a sentence. */
export function asSentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const capital = trimmed[0]?.toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
