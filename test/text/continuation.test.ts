// How the words of the provider that takes over are joined to those that were given.
import { describe, expect, it } from 'vitest';
import { ContinuationJoin } from '../../src/text/continuation.ts';

function join(said: string, pieces: readonly string[]): string {
  const joined = new ContinuationJoin(said);
  return said + pieces.map((piece) => joined.push(piece)).join('') + joined.end();
}
const words = (text: string) => text.match(/\S+\s*/g) ?? [];

describe('a reply that goes on', () => {
  const whole = 'Your order will be ready tomorrow at noon, and we will call you.';
  const said = 'Your order will be ready ';
  const rest = 'tomorrow at noon, and we will call you.';

  it.each([
    ['goes on from the next word', rest],
    ['goes on with a blank before it', ` ${rest}`],
    ['repeats the last word', `ready ${rest}`],
    ['repeats the last three words', `will be ready ${rest}`],
    ['repeats them in other letters and signs', `Will be… ready ${rest}`],
    ['starts over from the beginning', whole],
    ['starts over with other signs', whole.replace('order', 'order,')],
  ])('%s', (_what, text) => {
    expect(join(said, words(text))).toBe(whole);
    expect(join(said, [...text])).toBe(whole);
    expect(join(said, [text])).toBe(whole);
    expect(join(said.trimEnd(), words(text))).toBe(whole);
  });

  it('begins a sentence of its own where it says something else', () => {
    expect(join('Your order will be ', words('We open at nine.'))).toBe('Your order will be . We open at nine.');
    expect(join('It is ready. ', words('We open at nine.'))).toBe('It is ready. We open at nine.');
  });

  it.each(['Monday to Friday.', 'Ann is there.', 'I think so.'])('takes %s for what it is: it goes on', (text) => {
    expect(join('We are open ', words(text))).toBe(`We are open ${text}`);
  });

  it('adds nothing where it only repeats what was said', () => {
    expect(join('We open at nine.', words('We open at nine.'))).toBe('We open at nine.');
  });

  it('gives words at once when nothing was said', () => {
    const joined = new ContinuationJoin('');
    expect(joined.push('Hel')).toBe('Hel');
    expect(joined.push('lo')).toBe('lo');
  });

  it('does not wait for more than the overlap needs', () => {
    const joined = new ContinuationJoin('one two three ');
    expect(joined.push('four ')).toBe('four ');
  });
});
