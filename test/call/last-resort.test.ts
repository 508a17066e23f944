import { beforeEach, describe, expect, it } from 'vitest';
import { LastResort } from '../../src/call/last-resort.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('a call of which a stage has nobody left', () => {
  let clock: FakeClock;
  let told: string[];
  let lastResort: LastResort;
  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    const tell = (what: string) => told.push(`${clock.now() / 1_000} s: ${what}`);
    lastResort = new LastResort(
      clock,
      { repeatMs: 8_000, giveUpMs: 30_000 },
      {
        onTell: () => tell('sentence'),
        onRecovered: () => tell('recovered'),
        onGiveUp: (stages) => tell(`gave up for ${stages.join(' and ')}`),
      },
    );
  });

  it('tells the caller at once and every 8 s, and is given up after 30 s, once', async () => {
    await clock.advance(5_000);
    lastResort.exhausted('tts');
    expect(told).toEqual(['5 s: sentence']);
    await clock.advance(100_000);
    expect(told.slice(1)).toEqual(['13 s: sentence', '21 s: sentence', '29 s: sentence', '35 s: gave up for tts']);
    lastResort.exhausted('llm');
    lastResort.recovered('tts');
    expect(told).toHaveLength(5);
    expect(clock.pending).toBe(0);
  });

  it('is quiet once somebody serves again', async () => {
    lastResort.exhausted('llm');
    await clock.advance(9_000);
    lastResort.recovered('llm');
    await clock.advance(100_000);
    expect(told).toEqual(['0 s: sentence', '8 s: sentence', '9 s: recovered']);
    expect(clock.pending).toBe(0);
  });

  it('hears of every round of a chain, and of what never failed, without a word more', async () => {
    lastResort.recovered('stt');
    for (const afterMs of [0, 1_000, 2_000]) {
      await clock.advance(afterMs);
      lastResort.exhausted('llm');
      lastResort.recovered('tts');
    }
    expect(told).toEqual(['0 s: sentence']);
  });

  it('waits for all of several stages, for 30 s since the first', async () => {
    lastResort.exhausted('stt');
    await clock.advance(10_000);
    lastResort.exhausted('tts');
    lastResort.recovered('stt');
    await clock.advance(20_000);
    expect(told.at(-1)).toBe('30 s: gave up for tts');
  });

  it('does not begin anew when somebody came back for a moment', async () => {
    lastResort.exhausted('stt');
    for (let second = 1; second <= 30; second += 1) {
      await clock.advance(1_000);
      lastResort.recovered('stt');
      lastResort.exhausted('stt');
    }
    expect(told.filter((line) => line.endsWith('sentence'))).toEqual([
      '0 s: sentence',
      '8 s: sentence',
      '16 s: sentence',
      '24 s: sentence',
    ]);
    expect(told.at(-1)).toBe('30 s: gave up for stt');
  });

  it('begins anew after it was well for a while', async () => {
    lastResort.exhausted('tts');
    await clock.advance(1_000);
    lastResort.recovered('tts');
    await clock.advance(60_000);
    lastResort.exhausted('tts');
    await clock.advance(30_000);
    expect(told.slice(2)).toEqual([
      '61 s: sentence',
      '69 s: sentence',
      '77 s: sentence',
      '85 s: sentence',
      '91 s: gave up for tts',
    ]);
  });

  it('says nothing more when the call is over', async () => {
    lastResort.exhausted('tts');
    lastResort.close();
    lastResort.exhausted('tts');
    await clock.advance(100_000);
    expect(told).toEqual(['0 s: sentence']);
    expect(clock.pending).toBe(0);
  });
});
