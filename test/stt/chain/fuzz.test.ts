// Random faults at random moments, 2,000 turns: no word lost, none twice, no hang, nothing left behind.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Failing, type Fault, scriptedStt } from '../../support/scripted-stt.ts';
import { allWords, converse, once, startChain } from '../support/talk.ts';

const SEEDS = Array.from({ length: 500 }, (_, seed) => seed + 1);
const FAILING: readonly Failing[] = [
  'server',
  'unreachable',
  'rate-limit',
  'malformed',
  'ends',
  'silent',
  'not-an-error',
];
const utterances = { needsVoiceActivity: true, interimResults: false, deadlines: { firstMs: 2_500 } };
const slow = { deadlines: { firstMs: 1_500, stallMs: 1_800 }, typicalFirstMs: 900 };

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomLinks(clock: FakeClock, random: () => number) {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  const faultOf = (): Fault => {
    const word = Math.floor(random() * 32);
    const does = pick(FAILING);
    return pick<Fault>([
      { at: 'word', word, does },
      { at: 'word', word, does },
      { at: 'final', word, does },
      { at: 'opened', does },
      { at: 'connect', does: pick(['hangs', 'throws', 'unreachable', 'ends', { takesMs: 400 }] as const) },
      { at: 'end', does },
    ]);
  };
  const links = Array.from({ length: 3 }, (_, index) => {
    const kind = pick([{}, {}, slow, utterances]);
    const faults = Array.from({ length: Math.floor(random() * 3) }, faultOf);
    const check = random() < 0.5 ? { check: async () => undefined } : {};
    return scriptedStt(`link${index}`, {
      clock,
      traits: kind,
      faults:
        kind === utterances
          ? faults.filter(({ at, ...rest }) => at === 'word' && 'does' in rest && rest.does !== 'ends')
          : faults,
      tellsSpeech: random() < 0.5,
      latencyMs: 20 + Math.floor(random() * 200),
      ...check,
    });
  });
  // The last of a chain is a local one, which is well.
  return [...links, scriptedStt('last', { clock, ...(random() < 0.5 && { traits: utterances }) })];
}

describe('random faults', () => {
  it.each(SEEDS)('lose nothing and say nothing twice (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const clock = new FakeClock();
    const chain = startChain(
      clock,
      randomLinks(clock, random).map(({ link }) => link),
      { random },
    );
    const parts = await converse(chain, 1_000 + Math.floor(random() * 3_000));
    expect(once(parts)).toEqual(allWords);
    const speech = parts.filter(({ type }) => type.startsWith('speech')).map(({ type }) => type);
    expect(speech.every((type, index) => type === (index % 2 === 0 ? 'speech-start' : 'speech-end'))).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
