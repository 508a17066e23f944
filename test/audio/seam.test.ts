// What the seam between two voices is made of: level, fade and the pause in which it lies.
import { describe, expect, it } from 'vitest';
import { speakTones } from '../../fixtures/tones.ts';
import { fadeIn, fadeOut } from '../../src/audio/fade.ts';
import { amplify, matchingGain, VoicedLevel } from '../../src/audio/loudness.ts';
import { lastPause } from '../../src/audio/pauses.ts';
import { levelDbfs } from '../../src/audio/voiced-spans.ts';

const RATE_HZ = 16_000;
const ms = (samples: number) => (samples * 1000) / RATE_HZ;

describe('the level of a voice', () => {
  it('is that of what is voiced, however long its pauses', () => {
    const [dense, sparse] = [new VoicedLevel(), new VoicedLevel()];
    const tone = speakTones([3], RATE_HZ);
    for (let i = 0; i < 5; i += 1) {
      dense.add(tone, RATE_HZ);
      sparse.add(tone, RATE_HZ);
      sparse.add(new Int16Array(RATE_HZ), RATE_HZ);
    }
    expect(sparse.dbfs).toBeCloseTo(dense.dbfs ?? 0, 5);
    expect(dense.voicedMs).toBeCloseTo(5 * 240, -1);
  });

  it('is unknown while nothing was voiced', () => {
    const level = new VoicedLevel();
    level.add(new Int16Array(1_600), RATE_HZ);
    expect(level.dbfs).toBeUndefined();
  });

  it('is matched by at most 9 dB either way', () => {
    expect(20 * Math.log10(matchingGain(-30, -24))).toBeCloseTo(6);
    expect(20 * Math.log10(matchingGain(-40, -20))).toBeCloseTo(9);
    expect(20 * Math.log10(matchingGain(-10, -40))).toBeCloseTo(-9);
  });

  it('changes along the piece and never wraps around', () => {
    expect([...amplify(new Int16Array(4).fill(1_000), 1, 2)]).toEqual([1_000, 1_250, 1_500, 1_750]);
    expect([...amplify(Int16Array.of(30_000, -30_000), 2, 2)]).toEqual([32_767, -32_768]);
  });
});

describe('a fade', () => {
  it('falls to silence at the end', () => {
    expect([...fadeOut(new Int16Array(6).fill(1_000), 4)]).toEqual([1_000, 1_000, 750, 500, 250, 0]);
    expect([...fadeOut(new Int16Array(2).fill(1_000), 4)]).toEqual([500, 0]);
  });

  it('rises from silence, over pieces', () => {
    expect([...fadeIn(new Int16Array(2).fill(1_000), 4), ...fadeIn(new Int16Array(4).fill(1_000), 4, 2)]).toEqual([
      0, 250, 500, 750, 1_000, 1_000,
    ]);
  });
});

describe('the last pause', () => {
  const words = speakTones([1, 2, 3], RATE_HZ);
  const find = (fromMs: number, toMs: number, leastMs = 40) => {
    const found = lastPause(words, { sampleRateHz: RATE_HZ, leastMs, from: fromMs * 16, to: toMs * 16 });
    return found && { startMs: ms(found.start), endMs: ms(found.end) };
  };

  it('is the one nearest to the end', () => {
    expect(find(0, 700)).toEqual({ startMs: expect.closeTo(540, -1), endMs: expect.closeTo(600, -1) });
    expect(find(0, 500)).toEqual({ startMs: expect.closeTo(240, -1), endMs: expect.closeTo(300, -1) });
    expect(find(0, 900)?.endMs).toBe(900);
  });

  it('is none within a word, nor where the quiet is too short', () => {
    expect(find(20, 230)).toBeUndefined();
    expect(find(0, 260)).toBeUndefined();
    expect(find(0, 260, 10)).toBeDefined();
    expect(find(100, 100)).toBeUndefined();
  });

  it('of silence is all of it', () => {
    const options = { sampleRateHz: RATE_HZ, leastMs: 40, from: 0, to: 1_600 };
    expect(lastPause(new Int16Array(1_600), options)).toEqual({ start: 0, end: 1_600 });
    expect(levelDbfs(new Int16Array(1_600))).toBe(Number.NEGATIVE_INFINITY);
  });
});
