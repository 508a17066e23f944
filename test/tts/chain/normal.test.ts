// 50 seeds of vendors as they really are, on the fake clock: while nothing is wrong nobody is switched or blamed, and at one fault
// no word is lost, said twice or clipped.
import { describe, expect, it } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { decodeTones } from '../../../fixtures/tones.ts';
import { numbered, RATE_HZ, type Reply, TestChain } from '../../support/chain-reply.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ScriptedTts, type TtsFault } from '../../support/scripted-tts.ts';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);
const WORDS = 12;
const TURNS = 5;
const WHOLE_MS = 200;
const RESERVE_ID = 'reserve';

function callOf(seed: number, wordTimes: 'exact' | 'none') {
  const clock = new FakeClock();
  const links = ['a', 'b', RESERVE_ID].map((id, place) => {
    const scripted = new ScriptedTts(id, clock, { wordTimes, habits: new Habits(seed * 3 + place) });
    if (id === RESERVE_ID) Object.assign(scripted.link.traits, { isReserve: true });
    return scripted;
  });
  return { clock, links, chain: new TestChain(clock, links, { hedgeShare: 0.05 }) };
}

async function talk(chain: TestChain, seed: number): Promise<Reply[]> {
  const writing = new Habits(seed + 10_000);
  const replies: Reply[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const reply = chain.open();
    for (const word of numbered(0, WORDS).split(/(?<= )/)) {
      reply.session.write(word);
      await chain.clock.advance(writing.between(5, 60));
    }
    reply.session.end();
    await chain.clock.advance(15_000);
    replies.push(reply);
  }
  return replies;
}

function counted({ samples }: Reply) {
  const heard = decodeTones(samples, RATE_HZ, WORDS);
  const times = Array.from({ length: WORDS }, (_, word) => heard.filter(({ index }) => index === word).length);
  return {
    lost: times.filter((count) => count === 0).length,
    twice: times.filter((count) => count > 1).length,
    clipped: heard.filter(({ startMs, endMs }) => endMs - startMs < WHOLE_MS).length,
  };
}

const NONE = { lost: 0, twice: 0, clipped: 0 };

describe.each(['exact', 'none'] as const)('vendors as they are, %s word times', (wordTimes) => {
  it.each(SEEDS)('nothing is wrong, seed %i: 0 switches, 0 failures, 0 lost, 0 twice, 0 clipped', async (seed) => {
    const { chain } = callOf(seed, wordTimes);
    const replies = await talk(chain, seed);
    expect(replies.map(counted)).toEqual(replies.map(() => NONE));
    expect(chain.switches).toEqual([]);
    expect(chain.failures).toEqual([]);
    expect(chain.served).not.toContain(RESERVE_ID);
    // 5 replies within a minute: 3 hedges are always allowed.
    expect(chain.hedges.length).toBeLessThanOrEqual(4);
  });
});

describe('one fault among vendors as they are', () => {
  it.each(SEEDS)('seed %i: 0 lost, 0 twice, 0 clipped', async (seed) => {
    const { chain, links } = callOf(seed, 'exact');
    const chance = new Habits(seed + 20_000);
    const afterMs = Math.round(chance.between(300, WORDS * 300 - 100));
    const fault = chance.pick<TtsFault>([
      { does: 'fail', kind: 'unreachable', afterMs },
      { does: 'hang', afterMs },
      { does: 'end-early', afterMs },
      { does: 'throw-at-open' },
      { does: 'slow-first', byMs: 5_000 },
    ]);
    links[0]?.faults.push(fault);
    const replies = await talk(chain, seed);
    expect({ fault, counted: replies.map(counted) }).toEqual({ fault, counted: replies.map(() => NONE) });
    expect(chain.served).not.toContain(RESERVE_ID);
  });
});
