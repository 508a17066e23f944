// What a caller's voice and microphone sound like on average, which recognition is normalised by. With a wrong one, twice
// as many words are wrong; so it comes from accepted speech of this caller only, never from noise.
import { CEPSTRA, type Decoder } from './decoder.ts';

/** Between a female and a male voice at a usual level, measured on the recorded clips and on Flite. */
const USUAL = [55, 4, 9, 11, 3, 1, 0, 0, 0, 0, 0, 0, 0];
const USUAL_FRAMES = 30;
/** Five seconds, as in PocketSphinx itself: later speech counts, a single word doesn't upset it. */
const MAX_FRAMES = 500;

export class CepstralMeans {
  readonly #means = Float64Array.from(USUAL);
  #frames = USUAL_FRAMES;

  /** Nothing of this caller was accepted yet. */
  get isGuess(): boolean {
    return this.#frames === USUAL_FRAMES;
  }

  get current(): Float64Array {
    return this.#means;
  }

  /** The current ones as they would be with these samples; between utterances only. */
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
    const frames = this.#frames + decoder.measure(samples, sums);
    return { means: this.#means.map((mean, index) => (mean * this.#frames + (sums[index] ?? 0)) / frames), frames };
  }
}
