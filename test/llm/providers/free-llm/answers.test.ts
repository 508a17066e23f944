// Numbers, names, yes and no, and what steers a conversation, as recognisers write them.
import { describe, expect, it } from 'vitest';
import { afterNo, commandIn, yesOrNo } from '../../../../src/llm/providers/free-llm/commands.ts';
import { nameIn, spell } from '../../../../src/llm/providers/free-llm/names.ts';
import { digitsIn, speakDigits } from '../../../../src/llm/providers/free-llm/numbers.ts';

describe('digits', () => {
  it.each([
    ['five five five zero one four two', '5550142'],
    ['five five five oh one four two', '5550142'],
    ['double five five, oh one forty two', '5550142'],
    ['triple five oh one four too', '5550142'],
    ['my number is 555-0142', '5550142'],
    ['it is five five five for the office', '555'],
    ['for for two ate', '4428'],
    ['eight hundred five five five', '800555'],
    ['twenty one thirty', '2130'],
    ['fifty-five sixty', '5560'],
    ['nineteen eighty four', '1984'],
    ['+1 (503) 555 0142', '15035550142'],
    ['I would like to talk to you', ''],
    ['that is for you too', ''],
    ['', ''],
  ])('"%s" → %s', (text, digits) => expect(digitsIn(text)).toBe(digits));

  it.each([
    ['5550142', '5 5 5, 0 1 4 2'],
    ['5035550142', '5 0 3, 5 5 5, 0 1 4 2'],
    ['15035550142', '1, 5 0 3, 5 5 5, 0 1 4 2'],
    ['07700900123', '0 7 7, 0 0 9, 0 0, 1 2 3'],
    ['42', '4 2'],
    ['12345', '1 2, 3 4 5'],
  ])('%s is spoken "%s"', (digits, spoken) => {
    expect(speakDigits(digits)).toBe(spoken);
    expect(spoken.replace(/\D/g, '')).toBe(digits);
  });
});

describe('names', () => {
  it.each([
    ['peter smith', 'Peter Smith'],
    ['uh my name is peter smith', 'Peter Smith'],
    ["hi, it's Anna", 'Anna'],
    ['yes this is maria lopez speaking', 'Maria Lopez'],
    ["I'm John", 'John'],
    ["o'brien", "O'brien"],
    ['s m i t h', 'Smith'],
    ['S. M. I. T. H.', 'Smith'],
    ['my name is smith s m i t h', 'Smith'],
    ['peter smyth s m i t h', 'Peter Smith'],
    ['it is b as in bravo o double l', 'Boll'],
    ['j o h a n', 'Johan'],
    ['a n n a', 'Anna'],
    ['tea o m', 'Tom'],
    ['sierra mike i t h', 'Smith'],
    ['double you i l l', 'Will'],
  ])('"%s" → %s', (text, name) => expect(nameIn(text)?.name).toBe(name));

  it.each([
    'yes',
    'no',
    'what',
    'okay',
    'hello',
    'five five five one two three four',
    '',
    'well I wanted to ask you something about my order from last week',
    'are you',
  ])('"%s" is none', (text) => expect(nameIn(text)).toBeUndefined());

  it('knows whether it was spelt, and spells it back', () => {
    expect(nameIn('s m i t h')?.spelt).toBe(true);
    expect(nameIn('smith')?.spelt).toBe(false);
    expect(spell("Mary O'Neil")).toBe('M, A, R, Y. O, N, E, I, L');
  });
});

describe('yes or no', () => {
  it.each([
    ['yes', 'yes'],
    ['yeah sure', 'yes'],
    ["that's right", 'yes'],
    ['correct', 'yes'],
    ['okay', 'yes'],
    ['uh yes please', 'yes'],
    ['no problem', 'yes'],
    ['yep that is it', 'yes'],
    ['write', 'yes'],
    ['no', 'no'],
    ['nope', 'no'],
    ['know', 'no'],
    ["that's not right", 'no'],
    ["no that's wrong", 'no'],
    ["it isn't correct", 'no'],
    ['not quite', 'no'],
    ['no thank you', 'no'],
    ['wrong', 'no'],
    ['the blue one', undefined],
    ['five five five', undefined],
    ['', undefined],
  ])('"%s" → %s', (text, answer) => expect(yesOrNo(text)).toBe(answer));

  it.each([
    ["no, it's Petra", "it's Petra"],
    ['no no five five five', 'five five five'],
    ['that is Petra', 'that is Petra'],
  ])('after the no of "%s" comes "%s"', (text, rest) => expect(afterNo(text)).toBe(rest));
});

describe('commands', () => {
  it.each([
    ['what?', 'repeat'],
    ['sorry?', 'repeat'],
    ['can you repeat that please', 'repeat'],
    ['say that again', 'repeat'],
    ["I didn't catch that", 'repeat'],
    ['pardon me', 'repeat'],
    ['what did you say', 'repeat'],
    ['wait', 'wait'],
    ['hold on a second', 'wait'],
    ['just a moment please', 'wait'],
    ['let me check', 'wait'],
    ['never mind', 'cancel'],
    ['forget it', 'cancel'],
    ['cancel that', 'cancel'],
    ['stop', 'cancel'],
    ['I want to speak to a human', 'human'],
    ['can I talk to a real person', 'human'],
    ['operator', 'human'],
    ['connect me to an agent', 'human'],
    ['let me talk to somebody please', 'human'],
    ['real person please', 'human'],
    ["I don't have one", 'skip'],
    ["I'd rather not say", 'skip'],
    ['thank you', 'thanks'],
    ['okay thanks a lot', 'thanks'],
    ['goodbye', 'goodbye'],
    ["that's all", 'goodbye'],
    ['thanks bye', 'goodbye'],
    ['hello', 'hello'],
    ['hello are you there', 'hello'],
    ['what can you do', 'help'],
    ['what are your prices', undefined],
    ['I want to cancel my order', undefined],
    ['what time do you close', undefined],
    ['yes', undefined],
    ['peter', undefined],
  ])('"%s" → %s', (text, command) => expect(commandIn(text)).toBe(command));
});
