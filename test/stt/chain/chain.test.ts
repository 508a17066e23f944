// What the caller says is heard once and completely, whatever links do: 32 words in 4 turns, each fault at each moment.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Failing, type Fault, scriptedStt } from '../../support/scripted-stt.ts';
import { allWords, converse, once, startChain } from '../support/talk.ts';

const FAILING: readonly Failing[] = [
  'server',
  'unreachable',
  'auth',
  'quota',
  'rate-limit',
  'malformed',
  'ends',
  'silent',
  'not-an-error',
];
const MOMENTS: readonly [string, (does: Failing) => Fault][] = [
  ['at the first word', (does) => ({ at: 'word', word: 0, does })],
  ['in mid-utterance', (does) => ({ at: 'word', word: 11, does })],
  ['at the last word of a turn', (does) => ({ at: 'word', word: 15, does })],
  ['between turns', (does) => ({ at: 'final', word: 15, does })],
  ['at the very last word', (does) => ({ at: 'word', word: 31, does })],
  ['right after it opened', (does) => ({ at: 'opened', does })],
];

describe('a chain of speech to text', () => {
  it('hears all by its first link while that is well', async () => {
    const clock = new FakeClock();
    const [one, two] = [scriptedStt('one', { clock }), scriptedStt('two', { clock })];
    const chain = startChain(clock, [one.link, two.link]);
    expect(once(await converse(chain))).toEqual(allWords);
    expect(two.opened).toBe(0);
    expect(chain.failures).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  for (const hasTimes of [true, false]) {
    for (const [moment, at] of MOMENTS) {
      it.each(FAILING)(
        `loses no word and says none twice: ${moment}, ${hasTimes ? 'with' : 'without'} times, %s`,
        async (does) => {
          const clock = new FakeClock();
          const one = scriptedStt('one', { clock, hasTimes, faults: [at(does)] });
          const two = scriptedStt('two', { clock, hasTimes });
          const chain = startChain(clock, [one.link, two.link]);
          expect(once(await converse(chain))).toEqual(allWords);
          expect(clock.pending).toBe(0);
        },
      );
    }
  }
});
