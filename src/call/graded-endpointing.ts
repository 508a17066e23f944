// How long to wait after the caller falls silent: by how sure the turn detector is, not only sure or unsure.
import { inference } from '@livekit/agents';

/** End-of-turn probability from which the wait is shortest; LiveKit's own threshold for English is 0.36. */
const SURE = 0.3;
/** Below this probability the caller surely goes on. Of 303 recorded sentences, one turn in fifty ended below 0.12. */
const SURELY_NOT = 0.05;

/** The wait in ms for an end-of-turn probability from 0 to 1; falls evenly from `maxDelayMs` to `minDelayMs`. */
export function endpointingDelayMs(probability: number, minDelayMs: number, maxDelayMs: number): number {
  const uncertainty = Math.min(1, Math.max(0, (SURE - probability) / (SURE - SURELY_NOT)));
  return Math.round(minDelayMs + uncertainty * (maxDelayMs - minDelayMs));
}

/**
 * LiveKit's local detector, which reports each probability before the session chooses its wait. The session has two
 * waits and takes the shorter one for probabilities above a threshold. Here the threshold is out of reach, and
 * `onProbability` sets the longer wait.
 */
export class GradedTurnDetector extends inference.TurnDetector {
  readonly #onProbability: (probability: number) => void;

  constructor(onProbability: (probability: number) => void) {
    // Set explicitly: in development mode the default asks LiveKit's cloud.
    super({ version: 'v1-mini' });
    this.#onProbability = onProbability;
  }

  override stream(): inference.TurnDetectorStreamImpl {
    const stream = new GradedStream(
      {
        detector: this,
        opts: this._opts,
        cloudOpts: undefined,
        model: this._model,
        ...(this._executor && { executor: this._executor }),
      },
      this.#onProbability,
    );
    this._streams.add(stream);
    return stream;
  }
}

class GradedStream extends inference.TurnDetectorStreamImpl {
  readonly #onProbability: (probability: number) => void;

  constructor(
    args: ConstructorParameters<typeof inference.TurnDetectorStreamImpl>[0],
    onProbability: (probability: number) => void,
  ) {
    super(args);
    this.#onProbability = onProbability;
  }

  override predict(): ReturnType<inference.TurnDetectorStreamImpl['predict']> {
    const prediction = super.predict();
    void prediction.await.then((event) => this.#onProbability(event.endOfTurnProbability));
    return prediction;
  }

  override async unlikelyThreshold(): Promise<number> {
    return 1.01;
  }
}
