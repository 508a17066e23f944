// Real vendors' habits on the fake clock: nothing failing, nobody is taken for dead; one fault, and no word is lost or said twice.
import { describe, expect, it } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { habitualStt, type Trouble, VENDORS, type VendorName } from '../../support/habitual-stt.ts';
import { FRAME_MS, noise, RATE_HZ, silence, speak } from '../../support/scripted-stt.ts';
import { allWords, type Chain, finish, once, startChain, TURNS } from '../support/talk.ts';

const SEEDS = Array.from({ length: 50 }, (_, index) => index + 1);
const FRAME = (RATE_HZ * FRAME_MS) / 1000;
const TROUBLES: readonly [Trouble, ...Trouble[]] = ['drops', 'goes silent', 'hangs at connect'];

/** Four turns with pauses to think within them, coughs, and quiet between them. */
function script(habits: Habits): Int16Array[] {
  const said = TURNS.flatMap((turn) => {
    const at = 1 + Math.floor(habits.between(1, 7));
    const inTurn = habits.chance(0.5) ? [silence(habits.between(200, 800))] : [];
    const cough = habits.chance(0.3) ? [silence(400), noise(habits.between(60, 400)), silence(400)] : [];
    return [
      speak(turn.slice(0, at)),
      ...inTurn,
      speak(turn.slice(at)),
      silence(habits.between(1_500, 6_000)),
      ...cough,
    ];
  });
  return [silence(habits.between(300, 3_000)), ...said, silence(4_500)];
}

async function call(first: VendorName, seed: number, fault?: Trouble) {
  const clock = new FakeClock();
  const habits = new Habits(seed);
  const names = [first, habits.pick(VENDORS), 'deepgram'] as const;
  const stts = names.map((vendor, index) =>
    habitualStt(vendor, `${vendor} ${index}`, clock, new Habits(1_000 * seed + index)),
  );
  const [one] = stts;
  if (fault === 'hangs at connect') one?.trouble(fault);
  const chain = startChain(
    clock,
    stts.map(({ link }) => link),
    { random: () => habits.random() },
  );
  const frames = script(habits).flatMap((samples) =>
    Array.from({ length: Math.floor(samples.length / FRAME) }, (_, at) =>
      samples.subarray(at * FRAME, (at + 1) * FRAME),
    ),
  );
  const struck = Math.floor(habits.between(0.1, 0.9) * frames.length);
  for (const [at, frame] of frames.entries()) {
    if (at === struck && fault && fault !== 'hangs at connect') one?.trouble(fault);
    chain.session.write(frame);
    await clock.advance(FRAME_MS);
  }
  await finish(chain);
  return { chain, stts, minutes: clock.now() / 60_000 };
}

const outcomeOf = ({ parts, failures, switches }: Chain) => ({ words: once(parts), failures, switches });
const clean = { words: allWords, failures: [], switches: [] };

describe('with nothing failing, nobody is taken for dead', () => {
  it.each(VENDORS)('%s first, 50 seeds', { timeout: 120_000 }, async (vendor) => {
    let hedges = 0;
    for (const seed of SEEDS) {
      const { chain, minutes } = await call(vendor, seed);
      expect({ seed, ...outcomeOf(chain) }).toEqual({ seed, ...clean });
      expect(chain.hedges.length).toBeLessThanOrEqual(3 * Math.ceil(minutes));
      hedges += chain.hedges.length;
      expect(chain.clock.pending).toBe(0);
    }
    process.stdout.write(`${vendor}, 50 calls of 4 turns: ${hedges} hedges\n`);
  });
});

describe('with one fault, no word is lost or said twice', () => {
  it.each(VENDORS.flatMap((vendor) => TROUBLES.map((trouble) => ({ vendor, trouble }))))(
    '$vendor $trouble, 50 seeds',
    { timeout: 120_000 },
    async ({ vendor, trouble }) => {
      for (const seed of SEEDS) {
        const { chain } = await call(vendor, seed, trouble);
        expect({ seed, words: once(chain.parts) }).toEqual({ seed, words: allWords });
      }
    },
  );
});
