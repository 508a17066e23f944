// What the caller said in turns that are not in the conversation yet, to be said again to the next session.
import { SampleRing } from '../audio/sample-ring.ts';
import { SpeechGate } from '../audio/speech-gate.ts';

export const CALLER_RATE_HZ = 24_000;
const KEPT_MS = 60_000;
/** Audio before the detected onset that is replayed with it: the beginning of a word is soft. */
const LEAD_MS = 300;
/** Longer silences are cut to this length, which is below the silence that ends a turn at any vendor. */
const QUIET_MS = 250;
/** Silence that ends the caller's turn by the vendors' defaults. */
const END_MS = 500;
/** Coughs and clicks are shorter than this. */
const NOISE_MS = 500;

/** Positions are counted in samples since the first one. */
export class CallerAudio {
  readonly #ring = new SampleRing((CALLER_RATE_HZ * KEPT_MS) / 1000);
  readonly #gate = new SpeechGate(CALLER_RATE_HZ, KEPT_MS);
  #wasSpeech = false;
  #quietFrom = 0;

  get written(): number {
    return this.#ring.written;
  }

  get isSpeech(): boolean {
    return this.#gate.isSpeech;
  }

  /** Milliseconds since the caller last spoke; 0 during speech. */
  get quietMs(): number {
    return this.#gate.isSpeech ? 0 : toMs(this.written - this.#quietFrom);
  }

  /** @returns whether speech began or ended with it */
  write(samples: Int16Array): 'began' | 'ended' | undefined {
    this.#ring.write(samples);
    this.#gate.write(samples);
    if (this.#gate.isSpeech === this.#wasSpeech) return undefined;
    this.#wasSpeech = this.#gate.isSpeech;
    if (this.#wasSpeech) return 'began';
    this.#quietFrom = this.written;
    return 'ended';
  }

  /** Position from which speech that began just now is to be replayed. */
  get onset(): number {
    return Math.max(0, this.written - toSamples(LEAD_MS));
  }

  /** Whether there is more speech than a cough from this position on. */
  hasSpeech(from: number): boolean {
    return this.#gate.speechMs(from) >= NOISE_MS;
  }

  /**
   * The audio from this position on with its silences cut short; with `isEnded`, the silence that ends a turn follows. Each
   * piece is a copy.
   */
  *replay(from: number, isEnded: boolean): Generator<Int16Array> {
    const most = toSamples(QUIET_MS);
    let quiet = 0;
    let at = Math.max(from, this.#ring.oldest);
    while (at < this.written) {
      const piece = this.#ring.view(at, toSamples(10));
      quiet = this.#gate.quietUntil(at) === at ? 0 : quiet + piece.length;
      if (quiet <= most) yield piece.slice();
      at += piece.length;
    }
    if (isEnded) yield new Int16Array(toSamples(END_MS + 2 * QUIET_MS));
  }
}

function toMs(samples: number): number {
  return (samples * 1000) / CALLER_RATE_HZ;
}

function toSamples(ms: number): number {
  return Math.round((CALLER_RATE_HZ * ms) / 1000);
}
