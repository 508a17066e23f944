// What real recognisers do while nothing is wrong, row by row: each was taken for a failure once, or lost words.
import { describe, expect, it } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { HeardAudio } from '../../../src/stt/chain/heard-audio.ts';
import { LaggingClock } from '../../../src/stt/chain/lagging-clock.ts';
import { deepgramStt } from '../../../src/stt/providers/deepgram/deepgram.ts';
import { google, googleStreaming } from '../../../src/stt/providers/google/google.ts';
import { createGoogleStreaming } from '../../../src/stt/providers/google/streaming.ts';
import { whisper } from '../../../src/stt/providers/whisper.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { habitualStt } from '../../support/habitual-stt.ts';
import { noise, RATE_HZ, scriptedStt, silence, speak } from '../../support/scripted-stt.ts';
import { allWords, converse, finish, hear, once, startChain, TURNS } from '../support/talk.ts';

const [firstTurn = [], secondTurn = []] = TURNS;
const free = { isReserve: true };

describe('a recogniser that is late', () => {
  it('with its connection gets another beside it, and words come within a second of their being said', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'connect', does: 'hangs' }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak(firstTurn));
    expect(chain.times[0]).toBeLessThanOrEqual(1_000);
    expect(two.opened).toBe(1);
    expect(chain.failures).toEqual(['one timeout']);
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
  });

  it('with its connection may still win: nobody failed, and who helped is let go', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'connect', does: { takesMs: 900 } }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, silence(2_000));
    expect([one.opened, two.opened]).toEqual([1, 1]);
    expect(two.sessions[0]?.options.signal.aborted).toBe(true);
    await hear(chain, speak(firstTurn));
    const parts = await finish(chain);
    expect(once(parts)).toEqual(allWords.slice(0, 8));
    expect(new Set(parts.map(({ provider }) => provider))).toEqual(new Set(['one']));
    expect({ failures: chain.failures, switches: chain.switches }).toEqual({ failures: [], switches: [] });
  });

  it('with its words, and answers after all, is asked in the next turn as before, on the same stream', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, latencyMs: 1_500 });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak(firstTurn));
    await hear(chain, silence(4_000));
    expect(chain.hedges.map(({ outcome }) => outcome)).toEqual(['won']);
    expect(chain.session.serving).toBe('one');
    expect([one.opened, two.opened]).toEqual([1, 1]);
    await hear(chain, speak(secondTurn));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 16));
    expect({ failures: chain.failures, switches: chain.switches }).toEqual({ failures: [], switches: [] });
  });

  it('is never helped by a free engine, which serves once it is suspect', async () => {
    const clock = new FakeClock();
    const late = scriptedStt('late', { clock, latencyMs: 1_300 });
    const spare = scriptedStt('free', { clock, traits: free });
    const chain = startChain(clock, [late.link, spare.link]);
    expect(once(await converse(chain, 3_000))).toEqual(allWords);
    expect({ failures: chain.failures, opened: spare.opened }).toEqual({ failures: [], opened: 0 });

    const deaf = scriptedStt('deaf', { clock, faults: [{ at: 'word', word: 3, does: 'silent' }] });
    const other = startChain(clock, [deaf.link, scriptedStt('free', { clock, traits: free }).link]);
    expect(once(await converse(other, 3_000))).toEqual(allWords);
    expect(other.failures).toEqual(['deaf timeout']);
  });
});

describe('Deepgram', () => {
  it('may not notice the end of speech in noise: its final is asked for at quiet, and nobody else’s convicts it', async () => {
    const clock = new FakeClock();
    const habits = new Habits(1);
    // It never notices.
    habits.chance = () => true;
    const one = habitualStt('deepgram', 'one', clock, habits);
    const two = habitualStt('deepgram', 'two', clock, new Habits(2));
    const chain = startChain(clock, [one.link, two.link]);
    const finalsAtMs: number[] = [];
    await hear(chain, silence(2_000));
    for (const turn of TURNS) {
      await hear(chain, speak(turn));
      const endMs = clock.now();
      await hear(chain, silence(2_000));
      const last = chain.parts.findLastIndex(({ type }) => type === 'final');
      finalsAtMs.push((chain.times[last] as number) - endMs);
      await hear(chain, noise(300));
      await hear(chain, silence(3_000));
    }
    expect(Math.max(...finalsAtMs)).toBeLessThanOrEqual(1_400);
    expect(once(await finish(chain))).toEqual(allWords);
    expect({ failures: chain.failures, switches: chain.switches }).toEqual({ failures: [], switches: [] });
  });

  it('is asked for its final in noise that goes on, too', async () => {
    const clock = new FakeClock();
    const habits = new Habits(1);
    habits.chance = () => true;
    // Nor does it end a segment before 5 s.
    habits.between = (_, high) => high;
    const one = habitualStt('deepgram', 'one', clock, habits);
    const two = habitualStt('deepgram', 'two', clock, new Habits(2));
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, silence(2_000));
    await hear(chain, speak(firstTurn));
    await hear(chain, noise(2_500));
    expect(once(chain.parts)).toEqual(allWords.slice(0, 8));
    await hear(chain, noise(3_500));
    await hear(chain, silence(1_000));
    await hear(chain, speak(secondTurn));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 16));
    expect({ failures: chain.failures, switches: chain.switches }).toEqual({ failures: [], switches: [] });
  });

  it('and its plugin: a final is found in the audio though quiet was left out of what they count', () => {
    const heard = new HeardAudio(RATE_HZ, new FakeClock());
    const write = (samples: Int16Array) => {
      for (let at = 0; at < samples.length; at += 320) heard.write(samples.subarray(at, at + 320));
    };
    for (const samples of [speak([1, 2]), silence(9_000), speak([3, 4]), silence(500)]) write(samples);
    const clock = new LaggingClock(heard, 0);
    const final = (startMs: number, endMs: number) =>
      clock.place({ type: 'final', text: 'a b', startMs, endMs, confidence: 1, language: 'en', words: [] });
    expect(final(0, 500)).toMatchObject({ startMs: 0, endMs: 500 });
    // Of 9.1 s of quiet it got one.
    expect(final(1_500, 2_000).startMs).toBeCloseTo(9_600, -2);
    // Nothing was said there: no times are better than wrong ones.
    expect(final(40_000, 41_000)).toMatchObject({ startMs: 0, endMs: 0 });
  });
});

describe('a final without times', () => {
  it('that comes when the next utterance has begun leaves that to be heard again', () => {
    const heard = new HeardAudio(RATE_HZ, new FakeClock());
    for (const samples of [speak([1, 2]), silence(800), speak([3, 4])]) {
      for (let at = 0; at < samples.length; at += 320) heard.write(samples.subarray(at, at + 320));
    }
    heard.answeredUntil(heard.lastPause());
    expect(heard.toMs(heard.replayFrom)).toBeGreaterThan(500);
    expect(heard.toMs(heard.replayFrom)).toBeLessThanOrEqual(1_400);
  });
});

describe('an utterance that ends where the next word begins', () => {
  it('leaves that word to be heard again', () => {
    const heard = new HeardAudio(RATE_HZ, new FakeClock());
    for (const samples of [speak([1]), silence(700), speak([2]), silence(200)]) {
      for (let at = 0; at < samples.length; at += 320) heard.write(samples.subarray(at, at + 320));
    }
    heard.answeredUntil(heard.toSamples(1_000));
    expect(heard.toMs(heard.replayFrom)).toBeLessThanOrEqual(1_000);
  });
});

describe('the waits of each recogniser', () => {
  it('are never below the law: 4 s for a request, by the model for Google’s finals', () => {
    for (const { traits } of [whisper, google]) {
      expect(traits.deadlines).toEqual({ firstHelpMs: 1_500, firstMs: 4_000 });
    }
    expect(deepgramStt.traits.deadlines).toEqual({ stallHelpMs: 1_400 });
    expect(googleStreaming.traits).not.toHaveProperty('deadlines');
    const finals = (model?: string) => createGoogleStreaming({ credentialsFile: 'none', model }).finals;
    expect(finals()).toEqual({ helpMs: 1_600, ms: 2_500 });
    expect(finals('chirp_2')).toEqual({ helpMs: 2_400, ms: 3_600 });
  });
});

/** Time goes by that this process did not have. */
class BusyClock extends FakeClock {
  lostMs = 0;

  override now(): number {
    return super.now() + this.lostMs;
  }
}

describe('a process that had no time', () => {
  it('hears what was said in the meantime before it takes anybody for late', async () => {
    const clock = new BusyClock();
    const one = scriptedStt('one', { clock, latencyMs: 650 });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak(firstTurn.slice(0, 2)));
    expect(chain.parts).toEqual([]);
    clock.lostMs = 3_000;
    await hear(chain, speak(firstTurn.slice(2)));
    expect({ failures: chain.failures, opened: two.opened }).toEqual({ failures: [], opened: 0 });
    await hear(chain, silence(2_000));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
  });
});
