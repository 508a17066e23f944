// A voice breaks at every frame of a reply: each word is heard whole, none is lost, and with exact times none is said again.
import { describe, expect, it } from 'vitest';
import { decodeTones } from '../../../fixtures/tones.ts';
import { numbered, RATE_HZ, TestChain } from '../../support/chain-reply.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ScriptedTts, type ScriptedTtsOptions, type TtsFault } from '../../support/scripted-tts.ts';

const WORDS = 8;
const FRAME_MS = 20;
const TEXT = numbered(0, WORDS);
/** A whole tone is 240 ms. */
const WHOLE_MS = 200;
/** The first sound of a reply leaves at once: a voice that breaks within its first word has been heard to begin it. */
const FIRST_WORD_MS = 260;

async function brokenAt(afterMs: number, does: 'fail' | 'hang' | 'end-early', options: ScriptedTtsOptions) {
  const clock = new FakeClock();
  const [first, second] = ['a', 'b'].map((id) => new ScriptedTts(id, clock, options)) as [ScriptedTts, ScriptedTts];
  const fault: TtsFault = does === 'fail' ? { does, kind: 'unreachable', afterMs } : { does, afterMs };
  first.faults.push(fault);
  const reply = await new TestChain(clock, [first, second]).say(TEXT);
  const heard = decodeTones(reply.samples, RATE_HZ, WORDS);
  const times = Array.from({ length: WORDS }, (_, word) => heard.filter(({ index }) => index === word).length);
  const shorts = heard.filter(({ startMs, endMs }) => endMs - startMs < WHOLE_MS);
  return {
    lost: times.filter((count) => count === 0).length,
    twice: times.filter((count) => count > 1).length,
    clipped: shorts.length,
  };
}

/** What went wrong, by the moment of the break. */
async function everywhere(does: 'fail' | 'hang' | 'end-early', options: ScriptedTtsOptions, mayRepeat = false) {
  const wrong: Record<number, object> = {};
  for (let atMs = 0; atMs < WORDS * 300; atMs += FRAME_MS) {
    const { lost, twice, clipped } = await brokenAt(atMs, does, options);
    const isFirst = atMs > 0 && atMs < FIRST_WORD_MS;
    const repeats = mayRepeat || isFirst ? 0 : twice;
    if (lost + repeats + (isFirst ? 0 : clipped) > 0) wrong[atMs] = { lost, twice, clipped };
  }
  return wrong;
}

/** How fast the sound comes: frames five times as fast as they are heard, and as vendors send it. */
const PACES = [
  { chunkMs: 20, everyMs: 4 },
  { chunkMs: 100, everyMs: 20 },
] as const;

describe.each(PACES)('a voice that breaks anywhere, $chunkMs ms each $everyMs ms', (pace) => {
  it.each(['fail', 'hang', 'end-early'] as const)('%s, exact times: lost 0, twice 0, clipped 0', async (does) => {
    expect(await everywhere(does, { ...pace, wordTimes: 'exact' })).toEqual({});
  });

  it.each(['fail', 'hang'] as const)('%s, times of words that end before their sound', async (does) => {
    expect(await everywhere(does, { ...pace, wordTimes: 'exact', wordEndsMs: 100 })).toEqual({});
  });

  it.each(['estimated', 'none'] as const)(
    '%s times: lost 0, clipped 0, at most the started clause again',
    async (wordTimes) => {
      expect(await everywhere('fail', { ...pace, wordTimes }, true)).toEqual({});
      expect(await everywhere('hang', { ...pace, wordTimes }, true)).toEqual({});
    },
  );
});
