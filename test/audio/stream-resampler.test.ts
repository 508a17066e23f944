import { describe, expect, it } from 'vitest';
import { decodeTones, speakTones } from '../../fixtures/tones.ts';
import { StreamResampler } from '../../src/audio/stream-resampler.ts';
import { resample } from '../support/exact-resample.ts';

const RATES = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];
const PAIRS = RATES.flatMap((from) => RATES.filter((to) => to !== from).map((to) => [from, to] as const));

function inPieces(samples: Int16Array, fromHz: number, toHz: number, sizes: readonly number[]): Int16Array {
  const resampler = new StreamResampler(fromHz, toHz);
  const pieces: Int16Array[] = [];
  for (let at = 0, turn = 0; at < samples.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    pieces.push(resampler.push(samples.subarray(at, at + size)));
    at += size;
  }
  pieces.push(resampler.flush());
  return Int16Array.from(pieces.flatMap((piece) => [...piece]));
}

describe('the stream resampler', () => {
  it.each(PAIRS)('%i to %i Hz keeps every word, its place and the length', (fromHz, toHz) => {
    const words = [0, 3, 7, 9, 5];
    const output = inPieces(speakTones(words, fromHz), fromHz, toHz, [fromHz / 50]);
    expect(Math.abs(output.length - 1.5 * toHz)).toBeLessThanOrEqual(1);
    const heard = decodeTones(output, toHz);
    expect(heard.map(({ index }) => index)).toEqual(words);
    heard.forEach(({ startMs }, i) => {
      expect(Math.abs(startMs - 300 * i - 10)).toBeLessThan(20);
    });
  });

  it.each(PAIRS)('%i to %i Hz is the same in whatever pieces it comes', (fromHz, toHz) => {
    const samples = speakTones([1, 4], fromHz);
    const whole = inPieces(samples, fromHz, toHz, [samples.length]);
    expect(inPieces(samples, fromHz, toHz, [1, 7, 160, 3, 999])).toEqual(whole);
  });

  it('gives what the exact filter gives', () => {
    for (const [fromHz, toHz] of [
      [22_050, 16_000],
      [24_000, 48_000],
    ] as const) {
      const samples = speakTones([2, 6], fromHz);
      const exact = resample(samples, fromHz, toHz);
      const output = inPieces(samples, fromHz, toHz, [480]);
      for (let i = 0; i < output.length; i += 1) {
        expect(Math.abs((output[i] as number) - (exact[i] ?? 0))).toBeLessThan(12);
      }
    }
  });

  it('leaves nothing of a tone that the lower rate can’t hold', () => {
    const tone = Int16Array.from({ length: 24_000 }, (_, i) => 10_000 * Math.sin((2 * Math.PI * 6_000 * i) / 24_000));
    const output = inPieces(tone, 24_000, 8_000, [480]).subarray(200, -200);
    expect(output.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)).toBeLessThan(10);
  });

  it('begins anew after a flush, and keeps full scale within bounds', () => {
    const resampler = new StreamResampler(16_000, 24_000);
    const loud = Int16Array.from({ length: 1_600 }, (_, i) => (i % 40 < 20 ? 32_767 : -32_768));
    const once = [...resampler.push(loud), ...resampler.flush()];
    expect([...resampler.push(loud), ...resampler.flush()]).toEqual(once);
    expect(once).toHaveLength(2_400);
    // A wrap-around would turn the sign.
    expect(Math.max(...once)).toBe(32_767);
    expect(once.slice(15, 25).every((sample) => sample > 20_000)).toBe(true);
  });

  it('gives nothing for nothing, and refuses rates that are none', () => {
    const resampler = new StreamResampler(16_000, 24_000);
    expect(resampler.push(new Int16Array(0))).toHaveLength(0);
    expect(resampler.flush()).toHaveLength(0);
    for (const rate of [0, -1, 1.5, Number.NaN]) expect(() => new StreamResampler(rate, 8_000)).toThrow(RangeError);
  });
});
