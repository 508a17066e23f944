// Written text as it should be read aloud in English: without markup, emoji and addresses that nobody would say.
import { numbersInWords } from './speakable-numbers.ts';

type Rule = readonly [pattern: RegExp, replacement: string];

const MARKUP: readonly Rule[] = [
  [/<((?:https?:|mailto:)?[^<>\s]*[@/][^<>\s]*\.[^<>\s]*)>/g, '$1'],
  [/<\/?[a-z][^<>]*>/gi, ' '],
  [/!?\[([^\]]*)\]\([^)\s]*\)/g, '$1'],
  // The rest of a Markdown link that was split by a clause boundary.
  [/\]\([^)\s]*\)/g, ''],
  [/&amp;/g, '&'],
  [/&(?:lt|gt|quot|nbsp|#\d+);/g, ' '],
  [/^[\s|:*_-]+$/gm, ''],
  [/^\s*(?:#{1,6}|[-*+•>|])\s+/gm, ''],
  [/^\s*(\d{1,2})[.)]\s+/gm, '$1, '],
  [/\s*\|\s*$/gm, ''],
  [/\s*\|\s*/g, ', '],
];

/** Applied after addresses are spelled, because addresses may hold these characters. */
const EMPHASIS: readonly Rule[] = [
  [/(\d)\s*[*×]\s*(?=\d)/g, '$1 times '],
  [/(\w)_+(?=\w)/g, '$1 '],
  [/[*_`]+|~~/g, ''],
];

const SYMBOLS: readonly Rule[] = [
  [/(^|\s)(?:[:;=][-']?[)(DPp|]+|<3)(?=[\s.,!?]|$)/g, '$1'],
  [/[‘’ʼ′]/g, "'"],
  [/["“”„«»″]/g, ''],
  [/…/g, '...'],
  [/\s*(?:—|\s[–-]{1,2}\s)\s*/g, ', '],
  [/–/g, '-'],
  [/→/g, ' to '],
  [/#(?=\d)/g, 'number '],
  [/\s*&\s*/g, ' and '],
  [/@/g, ' at '],
  [/\s\+\s|\+(?=\d)/g, ' plus '],
  [/\s*=\s*/g, ' equals '],
  [/\s?°\s?C\b/g, ' degrees Celsius'],
  [/\s?°\s?F\b/g, ' degrees Fahrenheit'],
  [/°/g, ' degrees '],
  [/\band\/or\b/gi, 'and or'],
  [/([A-Za-z]{2,})\/(?=[A-Za-z]{2,})/g, '$1 or '],
];

const ABBREVIATIONS: readonly Rule[] = [
  [/\be\.g\.,?/gi, 'for example,'],
  [/\bi\.e\.,?/gi, 'that is,'],
  [/\betc\./gi, 'et cetera.'],
  [/\bapprox\./gi, 'approximately'],
  [/\bJr\.?(?!\w)/g, 'junior'],
  // Flite takes "OK" for the state of Oklahoma.
  [/\bOK\b/g, 'okay'],
];

const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
};

const TIDY: readonly Rule[] = [
  [/[^\x20-\x7e]/g, ' '],
  [/[\\^~{}[\]<>#]/g, ' '],
  [/([!?])[!?]+/g, '$1'],
  [/,(?:\s*,)+/g, ','],
  [/\s+([.,;:!?])/g, '$1'],
  [/[,;:]+([.!?])/g, '$1'],
  [/\s+/g, ' '],
  [/^(?:[\s.,;:!?]|-(?!\d))+/, ''],
];

/** Returns one clause in plain ASCII, or '' if nothing in it can be spoken. */
export function speakable(text: string): string {
  let spoken = apply(MARKUP, text);
  spoken = spoken.replace(EMAIL, spell).replace(URL_WITH_SCHEME, spellUrl).replace(BARE_DOMAIN, spellUrl);
  spoken = numbersInWords(apply(EMPHASIS, spoken));
  spoken = apply(ABBREVIATIONS, apply(SYMBOLS, spoken));
  spoken = apply(TIDY, toAscii(spoken)).trim();
  return /[A-Za-z0-9]/.test(spoken) ? spoken : '';
}

function apply(rules: readonly Rule[], text: string): string {
  return rules.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

const EMAIL = /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g;
const URL_WITH_SCHEME = /\b(?:https?:\/\/|www\.)[^\s<>()"']*[^\s<>()"'.,;:!?]/gi;
const BARE_DOMAIN =
  /\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|ai|dev|app|edu|gov|info|biz|co|us|uk|eu)\b(?:\/[\w./-]*\w)?/gi;
const SPOKEN_PATH_MAX_CHARS = 24;

/** Spells the host, and the path if it is short and made of words; never a query. */
function spellUrl(url: string): string {
  const [address = ''] = url
    .replace(/^https?:\/\//i, '')
    .replace(/^www\./i, '')
    .split(/[?#]/);
  const [host = '', ...path] = address.replace(/\/+$/, '').split('/');
  const place = path.join('/');
  const sayable = place.length <= SPOKEN_PATH_MAX_CHARS && /^[a-z][a-z/-]*$/i.test(place);
  return sayable ? `${spell(host)} slash ${place.split('/').map(spell).join(' slash ')}` : spell(host);
}

const SPELT: Readonly<Record<string, string>> = {
  '.': ' dot ',
  '@': ' at ',
  _: ' underscore ',
  '-': ' dash ',
  '+': ' plus ',
};

function spell(address: string): string {
  return address.replace(/[.@_+-]/g, (mark) => SPELT[mark] ?? ' ');
}

/** Flite knows ASCII only: "José" becomes "Jose", "½" becomes "1/2", an emoji nothing. */
function toAscii(text: string): string {
  return text
    .replace(/[ßæÆœøØłŁ]/g, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replaceAll('\u2044', '/');
}
