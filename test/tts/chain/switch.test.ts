// How long the caller hears nothing when a voice fails: on a fake clock, over the time that the next one needs anyway.
import { describe, expect, it } from 'vitest';
import { PROVIDER_ERROR_KINDS } from '../../../src/failover/provider-error.ts';
import { numbered, TestChain } from '../../support/chain-reply.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ScriptedTts, type TtsFault } from '../../support/scripted-tts.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { HARD_FAILURES, MOST_EXTRA_MS, MOST_SWITCH_MS, percentile99, REFUSAL_MS } from '../../support/switch-times.ts';

const SEED = 20_261_122;
const FAULTS = 1_000;
const WORDS = 8;

/** Silence before the first sound or, where that is longer, within the reply; the second voice begins after `ownMs`. */
async function silenceAfter(fault: TtsFault, ownMs: number, everyMs: number): Promise<number> {
  const clock = new FakeClock();
  const broken = new ScriptedTts('a', clock, { firstMs: REFUSAL_MS, everyMs });
  broken.always = fault;
  const backup = new ScriptedTts('b', clock, { firstMs: ownMs, everyMs });
  const chain = new TestChain(clock, [broken, backup], { hedgeShare: 0.05 });
  const reply = await chain.say(numbered(0, WORDS), 8_000);
  expect(reply.words.map(({ text }) => text).join('')).toBe(numbered(0, WORDS));
  return Math.max(reply.firstAudioMs ?? Number.POSITIVE_INFINITY, reply.longestGapMs);
}

/** Milliseconds for 40 ms of sound: far ahead of the ear, and as quick as it is heard. */
const [AHEAD, REAL_TIME] = [10, 40];

describe('the silence until the next voice', () => {
  it(`is within a second in 99 of 100 of ${FAULTS} random faults (seed ${SEED})`, { timeout: 120_000 }, async () => {
    const random = seededRandom(SEED);
    const times: number[] = [];
    for (let n = 0; n < FAULTS; n += 1) {
      const afterMs = Math.round(random() * 2_400);
      const kind = PROVIDER_ERROR_KINDS[Math.floor(random() * PROVIDER_ERROR_KINDS.length)] ?? 'server';
      const faults: readonly TtsFault[] = [
        { does: 'throw-at-open' },
        { does: 'fail', kind, afterMs },
        { does: 'fail', kind, afterMs: 0 },
        { does: 'hang', afterMs },
        { does: 'trickle', afterMs, everyMs: 500 },
        { does: 'end-early', afterMs },
        { does: 'segment-end-early', afterMs },
        { does: 'empty' },
        { does: 'slow-first', byMs: 3_000 },
      ];
      const fault = faults[Math.floor(random() * faults.length)] as TtsFault;
      const everyMs = random() < 0.5 ? AHEAD : REAL_TIME;
      times.push(await silenceAfter(fault, 50 + 100 * random(), everyMs));
    }
    expect(percentile99('TTS', times)).toBeLessThanOrEqual(MOST_SWITCH_MS);
  });

  it.each(HARD_FAILURES)('is hardly more than its own time after a hard failure: $name', async ({ kind }) => {
    for (const afterMs of [0, 1_000]) {
      const ms = await silenceAfter({ does: 'fail', kind, afterMs }, 80, REAL_TIME);
      const extraMs = ms - 80 - (afterMs === 0 ? REFUSAL_MS : 0);
      expect({ afterMs, isQuick: extraMs <= MOST_EXTRA_MS, extraMs }).toMatchObject({ isQuick: true });
    }
  });
});
