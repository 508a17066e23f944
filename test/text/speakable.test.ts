// How written text is read aloud.
import { describe, expect, it } from 'vitest';
import { speakable } from '../../src/text/speakable.ts';

function reads(examples: Record<string, string>) {
  it.each(Object.entries(examples))('%s', (written, spoken) => {
    expect(speakable(written)).toBe(spoken);
  });
}

describe('plain sentences stay as they are', () => {
  reads({
    "It's ready, isn't it?": "It's ready, isn't it?",
    'Dr. Smith lives on Oak Dr. (see below).': 'Dr. Smith lives on Oak Dr. (see below).',
    'It is 3:30 p.m. on May 5, 2026, in room 204.': 'It is 3:30 p.m. on May 5, 2026, in room 204.',
    'I have 1,234 apples, 3.14 pies and 12.5% of the 1st prize.':
      'I have 1,234 apples, 3.14 pies and 12.5% of the 1st prize.',
    'It was -5 outside in the 1990s.': 'It was -5 outside in the 1990s.',
    'In 2024 1000 people came.': 'In 2024 1000 people came.',
  });
});

describe('markup', () => {
  reads({
    '**Bold**, _slanted_, ***both*** and `code`.': 'Bold, slanted, both and code.',
    '## Our prices': 'Our prices',
    '- first': 'first',
    '* second': 'second',
    '2. third': '2, third',
    '> quoted': 'quoted',
    'See [our page](https://example.com/a?b=1).': 'See our page.',
    'our page](https://example.com/a) is open': 'our page is open',
    '| Name | Price |': 'Name, Price',
    '|---|:--|': '',
    '---': '',
    'one<br>two &amp; <b>three</b>': 'one two and three',
    snake_case_name: 'snake case name',
  });
});

describe('signs', () => {
  reads({
    'Great!!! Really?! 😀👍🏽 ❤️': 'Great! Really?',
    'Fine :) and ;-) so <3': 'Fine and so',
    '👍': '',
    '…': '',
    'José’s café — naïve “quote”…': "Jose's cafe, naive quote...",
    'Straße, Ærø, Łódź': 'Strasse, AEro, Lodz',
    'AT&T and R&D': 'AT and T and R and D',
    'he/she and/or they': 'he or she and or they',
    '2 * 3 = 6': '2 times 3 equals 6',
    '20°C or 68 °F': '20 degrees Celsius or 68 degrees Fahrenheit',
    '#1 of #many': 'number 1 of many',
    'A → B': 'A to B',
    'OK, e.g. this, i.e. that, etc.': 'okay, for example, this, that is, that, et cetera.',
    '½ cup': '1/2 cup',
    こんにちは: '',
  });
});

describe('addresses', () => {
  reads({
    'Write to sam.lee@example.com!': 'Write to sam dot lee at example dot com!',
    'sam_b-2@mail.example.co.uk': 'sam underscore b dash 2 at mail dot example dot co dot uk',
    'Visit https://www.example.com/pricing?utm=1.': 'Visit example dot com slash pricing.',
    'See https://example.com/a8F3kd/q?x=y now': 'See example dot com now',
    'Or <https://example.com>.': 'Or example dot com.',
    'At docs.example.io, too.': 'At docs dot example dot io, too.',
  });
});

describe('telephone numbers and codes are read digit by digit', () => {
  reads({
    'Call (555) 123-4567.': 'Call 5 5 5, 1 2 3, 4 5 6 7.',
    'Call 555.123.4567, or 555-1234.': 'Call 5 5 5, 1 2 3, 4 5 6 7, or 5 5 5, 1 2 3 4.',
    'Call +1 555 123 4567.': 'Call plus 1, 5 5 5, 1 2 3, 4 5 6 7.',
    'Call +44 20 7946 0958.': 'Call plus 4 4, 2 0, 7 9 4 6, 0 9 5 8.',
    'Call 1-800-555-0199 or 5551234567.': 'Call 1, 8 0 0, 5 5 5, 0 1 9 9 or 5 5 5, 1 2 3, 4 5 6 7.',
    'Your order number is 48291.': 'Your order number is 4 8 2 9 1.',
    'Code: 0042, ZIP code 90210.': 'Code: 0 0 4 2, ZIP code 9 0 2 1 0.',
    'We made 48291 of them.': 'We made 48291 of them.',
  });
});

describe('money', () => {
  reads({
    'It is $1,234.50.': 'It is 1234 dollars and 50 cents.',
    '$1 or $0.99 or $20.00': '1 dollar or 99 cents or 20 dollars',
    '$5k, $1.2 million and $3M': '5 thousand dollars, 1.2 million dollars and 3 million dollars',
    '€20, £1.01 and ¥500': '20 euros, 1 pound and 1 penny and 500 yen',
    '$5/month or $60/yr': '5 dollars per month or 60 dollars per year',
  });
});

describe('dates, ranges and versions', () => {
  reads({
    'On 2026-05-12.': 'On May 12, 2026.',
    'On 5/12/2026.': 'On 5 slash 12 slash 2026.',
    '24/7 support': '24 7 support',
    'Mon-Fri, 9-5': 'Mon-Fri, 9 to 5',
    '10–20 people in 2020-2025': '10 to 20 people in 2020 to 2025',
    'v1.2.3 at 192.168.1.1': 'v1 dot 2 dot 3 at 192 dot 168 dot 1 dot 1',
  });
});

it('gives ASCII and nothing else, whatever comes', () => {
  const anything = Array.from({ length: 0x2800 }, (_unused, code) => String.fromCodePoint(code + 1)).join('a ');
  expect(speakable(anything)).toMatch(/^[ -~]*$/);
});
