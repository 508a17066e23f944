// What a caller's voice and microphone sound like on average, which recognition is normalised by. With a wrong one, twice
// as many words are wrong; so it comes from accepted speech of this caller only, never from noise.
import { CEPSTRA, type Decoder } from './decoder.ts';

/** Means between a female and a male voice at a usual level, measured on the recorded clips and on Flite. */
const USUAL = [55, 4, 9, 11, 3, 1, 0, 0, 0, 0, 0, 0, 0];
/** Weight of USUAL in frames of a new caller. With fewer, the silence before the first word counts too much. */
const USUAL_FRAMES = 300;
/** Greatest weight of earlier speech: five seconds, as in PocketSphinx itself. Later speech counts, but no single word too much. */
const MAX_FRAMES = 500;

export class CepstralMeans {
  readonly #means = Float64Array.from(USUAL);
  #frames = USUAL_FRAMES;

  /** True until speech of this caller was accepted. */
  get isGuess(): boolean {
    return this.#frames === USUAL_FRAMES;
  }

  get current(): Float64Array {
    return this.#means;
  }

  /** The current means as they would be with these samples; call between utterances only. */
  with(samples: Int16Array, decoder: Decoder): Float64Array {
    return this.#blend(samples, decoder).means;
  }

  learn(samples: Int16Array, decoder: Decoder): void {
    const { means, frames } = this.#blend(samples, decoder);
    this.#means.set(means);
    this.#frames = Math.min(MAX_FRAMES, frames);
  }

  #blend(samples: Int16Array, decoder: Decoder): { means: Float64Array; frames: number } {
    const sums = new Float64Array(CEPSTRA);
    const frames = this.#frames + decoder.measure(withoutSilence(samples), sums);
    return { means: this.#means.map((mean, index) => (mean * this.#frames + (sums[index] ?? 0)) / frames), frames };
  }
}

const WINDOW_SAMPLES = 160;
const MARGIN_SAMPLES = 1600;
/** 30 dB below the loudest moment. */
const QUIET = 0.001;

/** The samples from just before the first loud moment to just after the last: silence says nothing about the voice. */
function withoutSilence(samples: Int16Array): Int16Array {
  const energies: number[] = [];
  for (let at = 0; at + WINDOW_SAMPLES <= samples.length; at += WINDOW_SAMPLES) {
    let energy = 0;
    for (let i = at; i < at + WINDOW_SAMPLES; i++) energy += (samples[i] as number) ** 2;
    energies.push(energy);
  }
  const isLoud = (energy: number) => energy > QUIET * loudest;
  const loudest = energies.reduce((most, energy) => Math.max(most, energy), 0);
  const from = energies.findIndex(isLoud) * WINDOW_SAMPLES - MARGIN_SAMPLES;
  const to = (energies.findLastIndex(isLoud) + 1) * WINDOW_SAMPLES + MARGIN_SAMPLES;
  return samples.subarray(Math.max(0, from), to);
}
