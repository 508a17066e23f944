// Numbers that a reader must be told how to say: telephone numbers, codes, dates, money. Flite knows the others.

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

const ISO_DATE = /\b(\d{4})-(\d{2})-(\d{2})\b/g;
const SLASHED = /\b(\d{1,2})\/(\d{1,2})\/(\d{2,4})\b/g;
const ALWAYS_OPEN = /\b24\/7\b/g;
/** Groups of digits; `spokenPhone` decides which of them are telephone numbers. */
const PHONE = /(?<![\w.,$€£¥/-])\+?\(?\d{1,4}\)?(?:[\s.-]{1,2}\(?\d{2,4}\)?){1,5}(?![\w%/]|[.,-]\d)/g;
const PLAIN_PHONE = /(?<![\w.,$€£¥/-])\d{10}(?![\w%/]|[.,-]\d)/g;
const CODE =
  /\b((?:code|number|pin|zip|extension|ext\.?|account|order|ticket|reference|confirmation|id)(?:\s(?:number|code|id))?(?:\sis)?[:,]?\s+#?)(\d{4,6})(?![\w%/]|[.,-]\d)/gi;
const VERSION = /(?<![\w.])v?\d+(?:\.\d+){2,}(?![\w.]?\d)/g;
const RANGE = /(?<![\w.,/-])(\d{1,4})[-–](?=\d{1,4}(?![\w/-]))/g;
const MONEY = /([$€£¥])\s?(\d+(?:,\d{3})*)(?:\.(\d+))?(?:\s?(k|m|bn|thousand|million|billion|trillion)\b)?/gi;
const PER =
  /(?<=\d|thousand|million|billion)\s?\/\s?(?=(?:month|mo|year|yr|week|day|hour|hr|minute|min|user|seat)\b)/gi;
const PERIODS: Readonly<Record<string, string>> = { mo: 'month', yr: 'year', hr: 'hour', min: 'minute' };

const CURRENCIES: Readonly<Record<string, readonly [one: string, many: string, cent: string, cents: string]>> = {
  $: ['dollar', 'dollars', 'cent', 'cents'],
  '€': ['euro', 'euros', 'cent', 'cents'],
  '£': ['pound', 'pounds', 'penny', 'pence'],
  '¥': ['yen', 'yen', 'sen', 'sen'],
};
const SCALES: Readonly<Record<string, string>> = { k: 'thousand', m: 'million', bn: 'billion' };

/** Replaces the numbers that match a pattern above; all other text stays as it was. */
export function numbersInWords(text: string): string {
  return text
    .replace(ISO_DATE, spokenDate)
    .replace(SLASHED, '$1 slash $2 slash $3')
    .replace(ALWAYS_OPEN, '24 7')
    .replace(PER, ' per ')
    .replace(/(?<= per )(mo|yr|hr|min)\b/gi, (short) => PERIODS[short.toLowerCase()] ?? short)
    .replace(MONEY, spokenMoney)
    .replace(PHONE, spokenPhone)
    .replace(PLAIN_PHONE, (digits) => inGroups([digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)]))
    .replace(CODE, (_all, words: string, digits: string) => words.replace('#', '') + oneByOne(digits))
    .replace(VERSION, (version) => version.replaceAll('.', ' dot '))
    .replace(RANGE, '$1 to ');
}

function spokenDate(written: string, year: string, month: string, day: string): string {
  const name = MONTHS[Number(month) - 1];
  return name ? `${name} ${Number(day)}, ${year}` : written;
}

function spokenMoney(_written: string, sign: string, whole: string, fraction?: string, scale?: string): string {
  const [one, many, cent, cents] = CURRENCIES[sign] ?? ['', '', '', ''];
  const amount = whole.replaceAll(',', '');
  if (scale) {
    const name = SCALES[scale.toLowerCase()] ?? scale;
    return `${amount}${fraction ? `.${fraction}` : ''} ${name} ${many}`;
  }
  const main = `${amount} ${amount === '1' ? one : many}`;
  if (fraction?.length !== 2) return fraction ? `${amount}.${fraction} ${many}` : main;
  if (fraction === '00') return main;
  const rest = `${Number(fraction)} ${fraction === '01' ? cent : cents}`;
  return amount === '0' ? rest : `${main} and ${rest}`;
}

/** Spells a telephone number digit by digit, with a pause after each group; anything else stays as it was. */
function spokenPhone(written: string): string {
  const groups = written.match(/\d+/g) ?? [];
  const digits = groups.join('').length;
  const marked = /[+().-]/.test(written);
  const spaced = /^(?:\d ?)?\d{3} \d{3} \d{4}$|^\d{3} \d{4}$/.test(written);
  const local = /^\d{3}[.-]\d{4}$/.test(written);
  const long = groups.length > 2 && (marked || spaced);
  if (digits < 7 || digits > 15 || !(local || long || spaced)) return written;
  return `${written.startsWith('+') ? 'plus ' : ''}${inGroups(groups)}`;
}

function inGroups(groups: readonly string[]): string {
  return groups.map(oneByOne).join(', ');
}

function oneByOne(digits: string): string {
  return [...digits].join(' ');
}
