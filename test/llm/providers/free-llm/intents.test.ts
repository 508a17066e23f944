// What callers ask for is found in spite of misheard words, and not found where they ask for nothing of it.
import { describe, expect, it } from 'vitest';
import sales from '../../../../agents/sales.ts';
import support from '../../../../agents/support.ts';
import type { AssistantScript } from '../../../../src/config/persona.ts';
import { intentOf } from '../../../../src/llm/providers/free-llm/intents.ts';
import { editDistance, soundKey, wordSimilarity } from '../../../../src/llm/providers/free-llm/similarity.ts';
import { mishear, randomOf } from './misheard.ts';

/** The beginning of the fact's answer, or the action's id. */
function found(script: AssistantScript, text: string): string {
  const intent = intentOf(script, text);
  if (!intent) return 'nothing';
  return intent.kind === 'action' ? intent.action.id : intent.fact.answer;
}

const SALES: readonly [string, string | RegExp][] = [
  ['how much does a solar system cost', /typical home system/],
  ['what are your prices', /typical home system/],
  ['can you tell me the price please', /typical home system/],
  ['what kind of warranty do I get', /warranty/],
  ['is there a guarantee on the panels', /warranty/],
  ['how long does the installation take', /two days/],
  ['when can you install it', /two days/],
  ['do you offer financing', /finance/],
  ['can I pay monthly', /finance/],
  ['does it work with a battery at night', /battery/],
  ['what happens in a power outage', /battery/],
  ['what are your opening hours', /Monday to Friday/],
  ['when are you open', /Monday to Friday/],
  ['what time do you close today', /Monday to Friday/],
  ['where are you located', /Portland/],
  ['what is your address', /Portland/],
  ['I would like to book an appointment', 'visit'],
  ['can you schedule a visit for me', 'visit'],
  ['I want to get a quote', 'visit'],
  ['I would like to leave a message', 'message'],
  ['please have someone call me back', 'message'],
];
const SUPPORT: readonly [string, string | RegExp][] = [
  ['what are your opening hours', /Monday to Saturday/],
  ['when are you open on saturday', /Monday to Saturday/],
  ['where is my order', /confirmation e-mail/],
  ['I want to know my order status', /confirmation e-mail/],
  ['when is the delivery', /between eight and four/],
  ['can I return my chair', /thirty days/],
  ['when do I get my refund', /refund takes/],
  ['I want my money back', /refund takes/],
  ['my table is broken', /two years/],
  ['does it have a warranty', /two years/],
  ['there is a missing part', /missing parts free/],
  ['where are you located', /Maple Street/],
  ['I have a complaint', 'message'],
  ['I would like to leave a message', 'message'],
  ['please open a ticket', 'message'],
];
const OFF_TOPIC = [
  'my dog ate the remote control',
  'it was raining all day',
  'the children are at school',
  'I went to the cinema with my sister',
  'do you like pasta',
  'we had a nice weekend at the lake',
  'my car is in the garage',
  'the weather is lovely',
  'he plays the guitar',
  'I need a new pair of shoes',
  'she said that he was late',
  'turn on the radio',
  'the cat is on the roof',
  'where did I put my glasses',
  'what is the capital of france',
  'sing me a song',
  'I am watching television',
  'his name is peter smith',
  'my name is anna baker',
  'five five five one two three four',
  'the train leaves from platform two',
  'it smells like coffee',
  'they moved to another city',
  'I was reading a book about whales',
  'she bought some apples and pears',
];

const correct = (script: AssistantScript, text: string, wanted: string | RegExp) => {
  const result = found(script, text);
  return typeof wanted === 'string' ? result === wanted : wanted.test(result);
};

describe('intents, clearly heard', () => {
  it.each(SALES)('sales: "%s"', (text, wanted) => expect(correct(sales.script, text, wanted)).toBe(true));
  it.each(SUPPORT)('support: "%s"', (text, wanted) => expect(correct(support.script, text, wanted)).toBe(true));
});

describe('intents, misheard', () => {
  it.each([
    ['what are your opening ours', /Monday to Friday/],
    ['what are you hoping ours', /Monday to Friday/],
    ['how match does it caused', /typical home system/],
    ['i would like to book an apartment', 'visit'],
    ['i want to book a point meant', 'visit'],
    ['i wood light to leaf a massage', 'message'],
    ['do you off her find ants in', 'nothing'],
    ['how long does the insulation take', /two days/],
    ['what is the war and tea', 'nothing'],
    ['does it work with batteries at knight', /battery/],
  ])('"%s"', (text, wanted) => expect(correct(sales.script, text, wanted)).toBe(true));

  // 26 % is what the free recogniser gets wrong on human telephone speech.
  it.each([
    [0.1, 0.93, 0.02],
    [0.26, 0.8, 0.05],
    [0.4, 0.65, 0.07],
  ])('at %d of the words wrong at least %d are found and at most %d are taken for another', (rate, least, most) => {
    const random = randomOf(7);
    let right = 0;
    let wrong = 0;
    let all = 0;
    for (let round = 0; round < 15; round++) {
      for (const [cases, script] of [
        [SALES, sales.script],
        [SUPPORT, support.script],
      ] as const) {
        for (const [text, wanted] of cases) {
          const heard = mishear(text, rate, random);
          all++;
          if (correct(script, heard, wanted)) right++;
          else if (found(script, heard) !== 'nothing') wrong++;
        }
      }
    }
    expect(right / all).toBeGreaterThanOrEqual(least);
    expect(wrong / all).toBeLessThanOrEqual(most);
  });

  it('finds next to nothing in what is off topic', () => {
    const random = randomOf(11);
    const heard = OFF_TOPIC.flatMap((text) => [text, ...Array.from({ length: 9 }, () => mishear(text, 0.26, random))]);
    const taken = heard.flatMap((text) =>
      [sales.script, support.script].flatMap((script) =>
        intentOf(script, text) ? [`${text} → ${found(script, text)}`] : [],
      ),
    );
    expect(taken.length / (heard.length * 2), taken.join('\n')).toBeLessThanOrEqual(0.01);
  });
});

describe('word similarity', () => {
  it.each([
    ['hours', 'ours'],
    ['open', 'opening'],
    ['price', 'prices'],
    ['message', 'massage'],
    ['appointment', 'appointments'],
    ['delivery', 'deliver'],
    ['installation', 'insulation'],
    ['warranty', 'warranties'],
    ['quote', 'quotes'],
  ])('%s and %s are alike', (a, b) => {
    expect(wordSimilarity(a, b)).toBeGreaterThan(0.6);
    expect(wordSimilarity(b, a)).toBe(wordSimilarity(a, b));
  });

  it.each([
    ['battery', 'peter'],
    ['cost', 'cat'],
    ['price', 'place'],
    ['return', 'radio'],
    ['hours', 'horse'],
    ['no', 'now'],
    ['order', 'water'],
  ])('%s and %s are not', (a, b) => expect(wordSimilarity(a, b)).toBeLessThan(0.85));

  it('counts letters that were swapped once', () => {
    expect(editDistance('order', 'oredr')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
  });

  it('hears words by their sound', () => {
    expect(soundKey('knight')).toBe(soundKey('night'));
    expect(soundKey('hour')).toBe(soundKey('our'));
  });
});
