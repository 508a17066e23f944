// How loud a voice is while it speaks, and the gain that makes one as loud as another.
import { levelDbfs } from './voiced-spans.ts';

const WINDOW_MS = 10;
/** Level above which sound is voiced: comfort noise lies near -70 dBFS, quiet speech near -40 dBFS. */
const VOICED_DBFS = -50;
/** Most gain either way: more would amplify noise, or suit badly a voice that has only whispered so far. */
const MOST_DB = 9;

/** Measures the level of all voiced sound, over any number of pieces. */
export class VoicedLevel {
  #energy = 0;
  #samples = 0;
  #voicedMs = 0;

  /** Milliseconds of voiced sound measured so far. */
  get voicedMs(): number {
    return this.#voicedMs;
  }

  /** Level in dB relative to full scale; undefined before any voiced sound. */
  get dbfs(): number | undefined {
    if (this.#samples === 0) return undefined;
    return 10 * Math.log10(this.#energy / this.#samples) - 20 * Math.log10(32_768);
  }

  /** Adds mono PCM16 to the measurement. */
  add(samples: Int16Array, sampleRateHz: number): void {
    const window = Math.max(1, Math.round((sampleRateHz * WINDOW_MS) / 1000));
    for (let from = 0; from < samples.length; from += window) {
      const to = Math.min(samples.length, from + window);
      if (levelDbfs(samples, from, to) <= VOICED_DBFS) continue;
      for (let i = from; i < to; i += 1) this.#energy += (samples[i] as number) ** 2;
      this.#samples += to - from;
      this.#voicedMs += ((to - from) * 1000) / sampleRateHz;
    }
  }
}

/** The factor that brings a voice to another's level; at most 9 dB either way. */
export function matchingGain(levelDb: number, targetDb: number): number {
  const db = Math.max(-MOST_DB, Math.min(MOST_DB, targetDb - levelDb));
  return 10 ** (db / 20);
}

/** Applies a gain that moves from `fromGain` to `toGain` over the piece; samples are clipped at full scale. */
export function amplify(samples: Int16Array, fromGain: number, toGain: number): Int16Array {
  if (fromGain === 1 && toGain === 1) return samples;
  const step = (toGain - fromGain) / Math.max(1, samples.length);
  return samples.map((sample, i) => Math.max(-32_768, Math.min(32_767, Math.round(sample * (fromGain + step * i)))));
}
