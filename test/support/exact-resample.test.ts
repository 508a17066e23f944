import { describe, expect, it } from 'vitest';
import { Resampler, resample } from './exact-resample.ts';

const tone = (hz: number, rateHz: number, seconds = 0.5) =>
  Int16Array.from({ length: rateHz * seconds }, (_, i) =>
    Math.round(10_000 * Math.sin((2 * Math.PI * hz * i) / rateHz)),
  );

/** Largest difference in the middle part, away from the edges. */
function worst(a: Int16Array, b: Int16Array): number {
  const from = Math.floor(a.length * 0.1);
  const differences = a.slice(from, -from).map((sample, i) => Math.abs(sample - (b[from + i] as number)));
  return Math.max(...differences);
}

describe('resample', () => {
  it.each([
    [8_000, 16_000],
    [16_000, 8_000],
    [16_000, 48_000],
    [48_000, 16_000],
    [24_000, 16_000],
    [22_050, 24_000],
  ])('keeps a tone of 1 kHz from %i to %i Hz', (from, to) => {
    const result = resample(tone(1_000, from), from, to);
    const expected = tone(1_000, to);
    // The result ends at the last sample of the original.
    expect(Math.abs(result.length - expected.length)).toBeLessThanOrEqual(Math.max(1, to / from));
    expect(worst(result, expected)).toBeLessThan(100);
  });

  it('removes what the lower rate can not carry', () => {
    const result = resample(tone(7_000, 16_000), 16_000, 8_000);
    expect(Math.max(...result.slice(400, -400).map(Math.abs))).toBeLessThan(30);
  });

  it('gives the same in pieces as at once', () => {
    const sound = tone(440, 48_000);
    const resampler = new Resampler(48_000, 16_000);
    const pieces: number[] = [];
    for (let at = 0; at < sound.length; at += 333) pieces.push(...resampler.push(sound.slice(at, at + 333)));
    pieces.push(...resampler.flush());
    expect(pieces).toEqual([...resample(sound, 48_000, 16_000)]);
  });

  it('copies where the rate stays', () => {
    const sound = tone(440, 8_000);
    expect(resample(sound, 8_000, 8_000)).toEqual(sound);
  });

  it('refuses a rate that is none', () => {
    expect(() => new Resampler(0, 8_000)).toThrow(RangeError);
  });
});
