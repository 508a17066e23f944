// Sound is told from silence by its level.
import { describe, expect, it } from 'vitest';
import { levelDbfs, voicedSpans } from '../../src/audio/voiced-spans.ts';

const RATE_HZ = 16_000;

/** Pieces of [length in ms, amplitude] of a 440 Hz tone. */
function tones(...pieces: readonly (readonly [number, number])[]): Int16Array {
  const amplitudes = pieces.flatMap(([ms, amplitude]) => new Array<number>(ms * 16).fill(amplitude));
  return Int16Array.from(amplitudes, (amplitude, i) => amplitude * Math.sin((2 * Math.PI * 440 * i) / RATE_HZ));
}

const rounded = (samples: Int16Array, options = {}) =>
  voicedSpans(samples, RATE_HZ, options).map(({ startMs, endMs }) => [Math.round(startMs), Math.round(endMs)]);

describe('voicedSpans', () => {
  it('finds both edges within a few ms, wherever they lie', () => {
    const [span] = rounded(tones([137, 0], [256, 8000], [200, 0]));
    expect(Math.abs((span?.[0] ?? 0) - 137)).toBeLessThanOrEqual(2);
    expect(Math.abs((span?.[1] ?? 0) - 393)).toBeLessThanOrEqual(2);
  });

  it('bridges the gaps between words and parts what lies further apart', () => {
    const samples = tones([200, 8000], [250, 0], [200, 8000], [400, 0], [200, 8000]);
    expect(rounded(samples)).toHaveLength(2);
    expect(rounded(samples, { bridgeMs: 100 })).toHaveLength(3);
  });

  it('takes comfort noise and clicks for silence', () => {
    expect(rounded(tones([500, 30]))).toEqual([]);
    expect(rounded(tones([200, 0], [10, 8000], [500, 0]))).toEqual([]);
    expect(rounded(new Int16Array(0))).toEqual([]);
  });

  it('hears speech that is quiet', () => {
    expect(rounded(tones([100, 0], [300, 400], [100, 0]))).toHaveLength(1);
  });
});

describe('levelDbfs', () => {
  it('is -3 dB for a full sine and nothing for silence', () => {
    expect(levelDbfs(tones([100, 32_767]))).toBeCloseTo(-3.01, 1);
    expect(levelDbfs(new Int16Array(160))).toBe(Number.NEGATIVE_INFINITY);
  });
});
