import { describe, expect, it } from 'vitest';
import { decodeMuLaw, encodeMuLaw } from '../../src/audio/mu-law.ts';
import { readWav, WavError, writeWav } from '../../src/audio/wav.ts';

const samples = Int16Array.of(0, 1_000, -1_000, 32_767, -32_768);

/** A WAV file with any format, and chunks of other programs around. */
function wav(encoding: number, bits: number, channels: number, data: Uint8Array, { extra = true } = {}): Uint8Array {
  const chunk = (name: string, body: Uint8Array) => {
    const padded = new Uint8Array(8 + body.length + (body.length % 2));
    padded.set(new TextEncoder().encode(name));
    new DataView(padded.buffer).setUint32(4, body.length, true);
    padded.set(body, 8);
    return padded;
  };
  const format = new Uint8Array(16);
  const view = new DataView(format.buffer);
  view.setUint16(0, encoding, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, 8_000, true);
  view.setUint16(14, bits, true);
  const chunks = [
    ...(extra ? [chunk('LIST', Uint8Array.of(1, 2, 3))] : []),
    chunk('fmt ', format),
    chunk('data', data),
  ];
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return new Uint8Array(chunk('RIFF', body));
}

const bytesOf = (array: Int16Array | Int32Array | Float32Array) => new Uint8Array(array.buffer);

describe('readWav', () => {
  it('reads what writeWav wrote', () => {
    expect(readWav(writeWav(samples, 16_000))).toEqual({ samples, sampleRateHz: 16_000 });
  });

  it.each([
    ['8 bit', wav(1, 8, 1, Uint8Array.of(128, 255, 0)), [0, 32_512, -32_768]],
    ['24 bit', wav(1, 24, 1, Uint8Array.of(0, 0, 0, 255, 0xe8, 0x03)), [0, 1_000]],
    ['32 bit', wav(1, 32, 1, bytesOf(Int32Array.of(0, 65_536_000))), [0, 1_000]],
    ['float', wav(3, 32, 1, bytesOf(Float32Array.of(0, 0.5, -2))), [0, 16_384, -32_768]],
    ['µ-law', wav(7, 8, 1, Uint8Array.of(0xff, 0x80, 0x00)), [0, 32_124, -32_124]],
    ['stereo', wav(1, 16, 2, bytesOf(Int16Array.of(100, 300, -100, -300))), [200, -200]],
  ])('reads %s', (_, bytes, expected) => {
    expect([...readWav(bytes).samples]).toEqual(expected);
  });

  it.each([
    ['a text', new TextEncoder().encode('this is no sound at all'), /does not begin as a WAV/],
    ['nothing', new Uint8Array(0), /does not begin as a WAV/],
    ['a file that is cut off', writeWav(samples, 8_000).slice(0, 48), /cut off: 6 bytes are missing/],
    ['a file without sound', writeWav(samples, 8_000).slice(0, 36), /no sound/],
    ['an encoding of another kind', wav(2, 4, 1, Uint8Array.of(1, 2)), /format 2, 4 bits/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readWav(bytes)).toThrow(WavError);
    expect(() => readWav(bytes)).toThrow(message);
  });
});

describe('µ-law', () => {
  it('comes back as the same bytes', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const again = encodeMuLaw(decodeMuLaw(all));
    // 0x7f and 0xff are both silence.
    expect([...again].filter((byte, i) => byte !== i)).toEqual([0xff]);
  });

  it('keeps a sample within a sixteenth of its size', () => {
    const ramp = Int16Array.from({ length: 2_000 }, (_, i) => i * 32 - 32_000);
    decodeMuLaw(encodeMuLaw(ramp)).forEach((sample, i) => {
      const original = ramp[i] as number;
      expect(Math.abs(sample - original)).toBeLessThanOrEqual(Math.max(8, Math.abs(original) / 16));
    });
  });
});
