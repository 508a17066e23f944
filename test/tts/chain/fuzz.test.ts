// Random faults at random moments in replies over four links: no word lost, none twice but a
// first one that was cut at its beginning, no end missing, nothing left behind.
import { describe, expect, it } from 'vitest';
import { decodeTones } from '../../../fixtures/tones.ts';
import { PROVIDER_ERROR_KINDS } from '../../../src/failover/provider-error.ts';
import { numbered, RATE_HZ, TestChain } from '../../support/chain-reply.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ScriptedTts, type TtsFault } from '../../support/scripted-tts.ts';

const SEED = 20_261_121;
const REPLIES = 2_000;
const MOST_WORDS = 16;

function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function anyFault(random: () => number): TtsFault {
  const afterMs = Math.round(random() * 4_000);
  const kind = PROVIDER_ERROR_KINDS[Math.floor(random() * PROVIDER_ERROR_KINDS.length)] ?? 'server';
  const faults: readonly TtsFault[] = [
    { does: 'throw-at-open' },
    { does: 'throw-at-write' },
    { does: 'fail', kind, afterMs },
    { does: 'throw-odd', afterMs },
    { does: 'hang', afterMs },
    { does: 'trickle', afterMs, everyMs: 500 },
    { does: 'end-early', afterMs },
    { does: 'segment-end-early', afterMs },
    { does: 'empty' },
    { does: 'slow-first', byMs: 3_000 },
  ];
  return faults[Math.floor(random() * faults.length)] as TtsFault;
}

describe(`random faults (seed ${SEED})`, () => {
  it(`lose no word of ${REPLIES} replies and say none twice, but for a few first ones`, async () => {
    const random = randomness(SEED);
    let stutters = 0;
    for (let n = 0; n < REPLIES; n += 1) {
      const clock = new FakeClock();
      const rates = [16_000, 24_000, 22_050, 16_000];
      const links = rates.map((sampleRateHz, i) => {
        const [chunkMs, everyMs] = [20 + Math.round(random() * 200), 5 + Math.round(random() * 10)];
        return new ScriptedTts('abcd'[i] as string, clock, { sampleRateHz, chunkMs, everyMs });
      });
      const faults = links.slice(0, 3).map((link) => {
        const fault = random() < 0.7 ? anyFault(random) : undefined;
        if (fault) link.faults.push(fault);
        return fault;
      });
      const chain = new TestChain(clock, links, { hedgeShare: n % 2 === 0 ? 0.05 : 0 });
      const reply = chain.open();
      const count = 1 + Math.floor(random() * MOST_WORDS);
      let segments = 0;
      for (const word of numbered(0, count).split(/(?<= )/)) {
        reply.session.write(word);
        if (random() < 0.1) {
          reply.session.flush();
          segments += 1;
        }
        if (random() < 0.3) await clock.advance(random() * 800);
      }
      reply.session.end();
      await clock.advance(20_000);
      const heard = decodeTones(reply.samples, RATE_HZ, MOST_WORDS).map(({ index }) => index);
      const isStutter = (tone: number, i: number) => tone === heard[i - 1];
      stutters += heard.filter(isStutter).length;
      const what = JSON.stringify({ n, faults, written: links.map(({ written }) => written) });
      expect(
        heard.filter((tone, i) => !isStutter(tone, i)),
        what,
      ).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(reply.words.map(({ text }) => text).join(''), what).toBe(numbered(0, count));
      expect(reply.segmentEnds - segments, what).toBeGreaterThanOrEqual(0);
      expect(reply.segmentEnds - segments, what).toBeLessThanOrEqual(1);
      expect([reply.ended, reply.error, clock.pending], what).toEqual([true, undefined, 0]);
    }
    // The first sound after silence leaves at once: one that breaks within its first word, as 13 here do, begins it again.
    expect(stutters).toBeLessThanOrEqual(REPLIES / 100);
  }, 120_000);
});
