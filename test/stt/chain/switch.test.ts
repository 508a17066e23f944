// How long words are missing when a recogniser fails: on a fake clock, from the fault to the next one's first words.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Failing, type Fault, FRAME_MS, scriptedStt, silence, speak } from '../../support/scripted-stt.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { HARD_FAILURES, MOST_EXTRA_MS, MOST_SWITCH_MS, percentile99 } from '../../support/switch-times.ts';
import { finish, hear, once, startChain } from '../support/talk.ts';

const SEED = 20_261_122;
const FAULTS = 1_000;
const WORDS = [0, 1, 2, 3, 4, 5, 6, 7];
const LEAD_MS = 300;
/** Help for one that is silent is due after 1,200 ms of speech: half a second later than by the waits that took normal vendors for dead. */
const MOST_SILENT_MS = 1_320;
const FAILING: readonly Failing[] = [
  'server',
  'unreachable',
  'rate-limit',
  'malformed',
  'auth',
  'quota',
  'ends',
  'silent',
  'not-an-error',
];

/** When the recogniser hears enough of a word to know it. */
const knownMs = (word: number) => LEAD_MS + word * 300 + 80 - FRAME_MS;

/** From the fault, or the first word, to words of the next recogniser, which tells each `ownMs` after it heard it. */
async function waitAfter(fault: Extract<Fault, { at: 'word' | 'connect' }>, ownMs: number): Promise<number> {
  const clock = new FakeClock();
  const links = [
    scriptedStt('one', { clock, latencyMs: ownMs, faults: [fault] }),
    scriptedStt('two', { clock, latencyMs: ownMs }),
  ];
  const chain = startChain(
    clock,
    links.map(({ link }) => link),
  );
  await hear(chain, silence(LEAD_MS));
  await hear(chain, speak(WORDS));
  await hear(chain, silence(1_000));
  const parts = await finish(chain);
  expect(once(parts)).toEqual(WORDS.map((word) => `w${word}`));
  const first = parts.findIndex((part) => 'text' in part && part.text !== '' && part.provider === 'two');
  return (chain.times[first] as number) - knownMs(fault.at === 'word' ? fault.word : 0);
}

describe('the wait for the next recogniser', () => {
  it(`is within a second, of silence 1.3 s, in 99 of 100 of ${FAULTS} random faults (seed ${SEED})`, {
    timeout: 240_000,
  }, async () => {
    const random = seededRandom(SEED);
    const [told, silent]: [number[], number[]] = [[], []];
    for (let n = 0; n < FAULTS; n += 1) {
      const does = FAILING[Math.floor(random() * FAILING.length)] as Failing;
      const word = Math.floor(random() * WORDS.length);
      const times = does === 'silent' ? silent : told;
      times.push(await waitAfter({ at: 'word', word, does }, 20 + 100 * random()));
    }
    expect(percentile99('STT', told)).toBeLessThanOrEqual(MOST_SWITCH_MS);
    expect(percentile99('STT, silent', silent)).toBeLessThanOrEqual(MOST_SILENT_MS);
  });

  it.each(HARD_FAILURES)('is hardly more than its own time after a hard failure: $name', async ({ kind }) => {
    const ownMs = 80;
    const before = (await waitAfter({ at: 'connect', does: kind }, ownMs)) - ownMs;
    // The failed one took as long to tell of the fault as it does for a word.
    const midway = (await waitAfter({ at: 'word', word: 4, does: kind }, ownMs)) - 2 * ownMs;
    expect({ before, midway, isQuick: Math.max(before, midway) <= MOST_EXTRA_MS }).toMatchObject({ isQuick: true });
  });
});
