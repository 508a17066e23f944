// WAV files: reads what people have, writes mono PCM16.
import { decodeMuLaw } from './mu-law.ts';

export interface Sound {
  /** Mono PCM16. */
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
}

/** Thrown for bytes that are no readable WAV file; the message says why, in a few words. */
export class WavError extends Error {
  override readonly name = 'WavError';
}

interface Format {
  readonly encoding: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly bits: number;
}

const PCM = 1;
const FLOAT = 3;
const MU_LAW = 7;
const EXTENSIBLE = 0xfffe;

/**
 * Reads PCM of 8, 16, 24 or 32 bits, float of 32 bits, or µ-law; several channels are mixed into one.
 * @throws WavError
 */
export function readWav(bytes: Uint8Array): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tag(view, 0) !== 'RIFF' || tag(view, 8) !== 'WAVE') {
    throw new WavError('it does not begin as a WAV file');
  }
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag(view, at) === 'fmt ') format = readFormat(view, start, length);
    if (tag(view, at) === 'data') {
      if (!format) throw new WavError('its format is missing');
      // Streamed files give 0 or the largest value as length; then the sound goes to the end of the file.
      const isStreamed = length === 0 || length === 0xffff_ffff;
      const end = isStreamed ? bytes.length : start + length;
      if (end > bytes.length) throw new WavError(`it is cut off: ${end - bytes.length} bytes are missing`);
      return { samples: decode(bytes.subarray(start, end), format), sampleRateHz: format.sampleRateHz };
    }
    at = start + length + (length % 2);
  }
  throw new WavError('it has no sound in it');
}

/** Writes a WAV file of mono PCM16. */
export function writeWav(samples: Int16Array, sampleRateHz: number): Uint8Array {
  const bytes = new Uint8Array(44 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples.length * 2, true);
  for (const [i, sample] of samples.entries()) view.setInt16(44 + 2 * i, sample, true);
  return bytes;
}

function tag(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function readFormat(view: DataView, at: number, length: number): Format {
  if (length < 16 || at + length > view.byteLength) throw new WavError('its format is cut off');
  const first = view.getUint16(at, true);
  const encoding = first === EXTENSIBLE && length >= 26 ? view.getUint16(at + 24, true) : first;
  const channels = view.getUint16(at + 2, true);
  const sampleRateHz = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  if (channels === 0 || sampleRateHz === 0) throw new WavError(`it has ${channels} channels at ${sampleRateHz} Hz`);
  return { encoding, channels, sampleRateHz, bits };
}

function decode(data: Uint8Array, { encoding, channels, bits }: Format): Int16Array {
  const sampleAt = sampleReader(data, encoding, bits);
  const frames = Math.floor(data.length / (bits / 8) / channels);
  return Int16Array.from({ length: frames }, (_, frame) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) sum += sampleAt(frame * channels + channel);
    return Math.round(sum / channels);
  });
}

/** Returns a function that reads sample number `i` as PCM16. */
function sampleReader(data: Uint8Array, encoding: number, bits: number): (i: number) => number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (`${encoding}/${bits}`) {
    case `${PCM}/8`:
      return (i) => (view.getUint8(i) - 128) * 256;
    case `${PCM}/16`:
      return (i) => view.getInt16(2 * i, true);
    case `${PCM}/24`:
      return (i) => view.getInt16(3 * i + 1, true);
    case `${PCM}/32`:
      return (i) => view.getInt16(4 * i + 2, true);
    case `${FLOAT}/32`:
      return (i) => Math.max(-32_768, Math.min(32_767, Math.round(view.getFloat32(4 * i, true) * 32_768)));
    case `${MU_LAW}/8`: {
      const samples = decodeMuLaw(data);
      return (i) => samples[i] as number;
    }
    default:
      throw new WavError(`its encoding (format ${encoding}, ${bits} bits) is not supported`);
  }
}
