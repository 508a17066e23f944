// Sound with what matters of speech for tests that need no words: harmonics, syllables, and the hiss of an s.

/** Adds white noise, the same each time, to mono PCM16. */
export function withNoise(samples: Int16Array, amplitude: number): Int16Array {
  let state = 7;
  return samples.map((sample) => {
    state = (state * 48_271) % 2_147_483_647;
    return sample + (state / 2_147_483_647 - 0.5) * 2 * amplitude;
  });
}

/** Three syllables a second; loud to its last sample. */
export function speechLike(sampleRateHz: number, seconds: number): Int16Array {
  const voice = Int16Array.from({ length: Math.round(sampleRateHz * seconds) }, (_, i) => {
    const t = i / sampleRateHz;
    const syllable = Math.max(0.1, Math.sin(2 * Math.PI * 3 * t));
    let value = 0;
    for (let k = 1; k <= 20; k++) value += Math.sin(2 * Math.PI * 140 * k * t + k) / k;
    return 4000 * syllable * value;
  });
  return withNoise(voice, 300);
}
