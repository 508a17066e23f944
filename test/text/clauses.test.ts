// Where text is cut into clauses, and how early.
import { describe, expect, it } from 'vitest';
import { type Clause, ClauseSplitter } from '../../src/text/clauses.ts';

/** Each text comes whole, and again letter by letter, which may cut it elsewhere and must lose nothing. */
function clausesOf(text: string): Clause[] {
  const whole = new ClauseSplitter();
  const clauses = [...whole.push(text), ...whole.flush()];
  expect(joined(inPieces(text, 1))).toBe(joined(clauses));
  return clauses;
}

function inPieces(text: string, length: number): Clause[] {
  const splitter = new ClauseSplitter();
  const clauses: Clause[] = [];
  for (let at = 0; at < text.length; at += length) clauses.push(...splitter.push(text.slice(at, at + length)));
  return [...clauses, ...splitter.flush()];
}

const texts = (text: string) => clausesOf(text).map((clause) => clause.text);
const joined = (clauses: readonly Clause[]) => clauses.map((clause) => clause.text.replace(/\s+/g, ' ')).join(' ');

describe('sentences', () => {
  it('end with a mark and a blank', () => {
    expect(texts('It is ready. Is that all? Good! Bye.')).toEqual(['It is ready.', 'Is that all?', 'Good!', 'Bye.']);
  });

  it('take closing quotes and brackets with them', () => {
    expect(texts('He said "Yes." Then he left. (He did!) So.')).toEqual([
      'He said "Yes."',
      'Then he left.',
      '(He did!)',
      'So.',
    ]);
  });

  it.each([
    'Dr. Smith and Mrs. Lee met on Elm St. near the park.',
    'Ask J. Smith about it, e.g. tomorrow.',
    'The U.S. Army called.',
    'We open at 9 a.m. and close at 5 p.m. every day.',
    'It was No. 5 of Jan. 2026, approx. ten of them, etc. and so on.',
    'It costs $3.50 and weighs 1.25 kg.',
    'Version 1.2.3 is at 192.168.1.1 now.',
    'Write to sam.lee@example.com or www.example.com please.',
    'Wait... what was that.',
  ])('do not end within "%s"', (text) => {
    expect(texts(text)).toEqual([text]);
  });

  it.each([
    ['We open at 9 a.m. Come early.', ['We open at 9 a.m.', 'Come early.']],
    ['Apples, pears, etc. We have all.', ['Apples, pears, etc.', 'We have all.']],
    ['The answer is no. I am sorry.', ['The answer is no.', 'I am sorry.']],
    ['It is 5. Then 6.', ['It is 5.', 'Then 6.']],
    ['So do I. And you?', ['So do I.', 'And you?']],
    ['Hmm... Well.', ['Hmm...', 'Well.']],
  ])('end in "%s"', (text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  it('are separated by lines too, and a list item keeps its number', () => {
    expect(texts('We have:\n1. Apples\n2. Pears\n\nWhich one?')).toEqual([
      'We have:',
      '1. Apples',
      '2. Pears',
      'Which one?',
    ]);
  });
});

describe('a clause in a sentence', () => {
  it('is cut early at the beginning, and later only where it is long', () => {
    expect(
      texts('Certainly, let me look that up. I have, as it seems, two of them here for you, which are both on offer.'),
    ).toEqual([
      'Certainly,',
      'let me look that up.',
      'I have, as it seems, two of them here for you,',
      'which are both on offer.',
    ]);
  });

  it('is not cut off for a word or two', () => {
    expect(texts('Sure, I can do that. Could you tell me your name and your number, please?')).toEqual([
      'Sure, I can do that.',
      'Could you tell me your name and your number, please?',
    ]);
  });

  it.each(['The parcel leaves us on May 5, 2026 then.', 'The winning numbers are 10, 20, 30, 40, 50 and 60.'])(
    'does not end in a date or a row of numbers: "%s"',
    (text) => {
      expect(texts(text)).toEqual([text]);
    },
  );

  it('ends at a dash, a semicolon or a colon', () => {
    expect(texts('This one is mine — that one is yours; the last one: nobody knows.')).toEqual([
      'This one is mine —',
      'that one is yours; the last one: nobody knows.',
    ]);
  });
});

describe('text without punctuation', () => {
  const words = 'and then he said that he would go to the market with her because it was late '.repeat(6).trim();

  it('is cut before a conjunction, in bounded pieces', () => {
    const [first, ...later] = clausesOf(words);
    expect(first?.text.length).toBeLessThanOrEqual(80);
    expect(first?.pauseMs).toBe(0);
    for (const clause of later) {
      expect(clause.text.length).toBeLessThanOrEqual(200);
      expect(clause.text).toMatch(/^(and|but|or|because|so|which|that|where|when|while|if|with|for|to) /);
    }
    expect(joined([first as Clause, ...later])).toBe(words);
  });

  it('is cut even within a word that never ends', () => {
    const endless = 'a'.repeat(1000);
    const clauses = clausesOf(endless);
    expect(clauses.map((clause) => clause.text).join('')).toBe(endless);
  });

  it('is not cut within a row of digits', () => {
    const text = `${'so please call me back at the number that I gave you and that is '}555 123 4567 ok then`;
    expect(texts(text).some((clause) => clause.includes('555 123 4567'))).toBe(true);
  });
});

describe('time', () => {
  it('is not lost: a sentence leaves with the blank after it', () => {
    const splitter = new ClauseSplitter();
    expect(splitter.push('It is ready.')).toEqual([]);
    expect(splitter.push(' ').map((clause) => clause.text)).toEqual(['It is ready.']);
  });

  it('is taken where the next letter decides', () => {
    const splitter = new ClauseSplitter();
    expect(splitter.push('We open at 9 a.m. ')).toEqual([]);
    expect(splitter.push('C').map((clause) => clause.text)).toEqual(['We open at 9 a.m.']);
  });

  it('begins anew after a flush: the first clause is short again', () => {
    const splitter = new ClauseSplitter();
    splitter.push('One moment. ');
    splitter.flush();
    expect(splitter.push('Here it is, I ').map((clause) => clause.text)).toEqual(['Here it is,']);
  });
});

describe('pauses', () => {
  it('are longer after a line than after a sentence, and after that than after a comma', () => {
    const [comma, sentence, line, last] = clausesOf('Certainly, let me look that up. I have two:\nA and B');
    expect([comma?.pauseMs, sentence?.pauseMs, line?.pauseMs, last?.pauseMs]).toEqual([150, 300, 400, 300]);
  });
});

describe('what is no speech', () => {
  it('is code between fences, closed or not', () => {
    expect(texts('Run this:\n```js\nconsole.log("a. b");\n```\nThat is all.')).toEqual(['Run this:', 'That is all.']);
    expect(texts('Run this:\n```js\nconsole.log("a. b");\n')).toEqual(['Run this:']);
  });

  it('is blank text', () => {
    expect(clausesOf('')).toEqual([]);
    expect(clausesOf(' \n\n \t ')).toEqual([]);
  });
});

it('loses no letter, whatever the pieces', () => {
  const text =
    'Well, Dr. Lee — our best — is in at 3 p.m. on May 5, 2026; call (555) 123-4567, or write to a.b@c.de. ' +
    'It costs $1,234.50... really? Yes! And “so on”, etc. Good.';
  for (const length of [1, 2, 3, 5, 8, 13, 500]) expect(joined(inPieces(text, length))).toBe(text);
});
