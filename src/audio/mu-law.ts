// G.711 µ-law, the sound of telephones: 8 bits a sample, usually 8,000 samples a second.

const BIAS = 0x84;
const CLIP = 32_635;

function decodeByte(byte: number): number {
  const inverted = ~byte & 0xff;
  const exponent = (inverted >> 4) & 0x07;
  const magnitude = ((((inverted & 0x0f) << 3) + BIAS) << exponent) - BIAS;
  return inverted & 0x80 ? -magnitude : magnitude;
}

function encodeSample(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const biased = Math.min(Math.abs(sample), CLIP) + BIAS;
  const exponent = 31 - Math.clz32(biased) - 7;
  const mantissa = (biased >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

const DECODED = Int16Array.from({ length: 256 }, (_, byte) => decodeByte(byte));

/** Decodes each byte to one PCM16 sample. */
export function decodeMuLaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, (byte) => DECODED[byte] as number);
}

export function encodeMuLaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, encodeSample);
}
