// Speech recognition, language model and synthesis as one realtime model: the last link of a speech-to-speech chain.
import { llm, stt, type tts, type VAD } from '@livekit/agents';
import { CAPABILITIES } from '../realtime/capabilities.ts';
import { PIPELINE_LABEL } from '../realtime/plugins/adapter.ts';
import { PipelineSession, type PipelineStages } from './session.ts';

export interface PipelineModelOptions {
  readonly stt: stt.STT;
  readonly llm: llm.LLM;
  readonly tts: tts.TTS;
  readonly vad: VAD;
  /** Silence that ends the caller's turn, in milliseconds; 500 where absent. */
  readonly endSilenceMs?: number;
  /** Sample rate of the replies' audio; 24,000 where absent. */
  readonly sampleRateHz?: number;
}

/** OpenAI Realtime's default for its own turn detection. */
const END_SILENCE_MS = 500;
/** Sample rate of the realtime vendors' speech. */
const SAMPLE_RATE_HZ = 24_000;

/** The stages belong to the code that made them: closing the model leaves them open. */
export class PipelineModel extends llm.RealtimeModel {
  readonly #stages: PipelineStages;
  readonly #sessions = new Set<PipelineSession>();

  /** @throws RangeError for a silence or a rate that is not a number above 0 */
  constructor(options: PipelineModelOptions) {
    const { endSilenceMs = END_SILENCE_MS, sampleRateHz = SAMPLE_RATE_HZ, vad } = options;
    if (!(endSilenceMs > 0)) throw new RangeError(`endSilenceMs must be above 0, got ${endSilenceMs}`);
    if (!(Number.isInteger(sampleRateHz) && sampleRateHz > 0)) {
      throw new RangeError(`sampleRateHz must be a whole number above 0, got ${sampleRateHz}`);
    }
    super({ ...CAPABILITIES, perResponseToolChoice: true });
    const recogniser = options.stt.capabilities.streaming ? options.stt : new stt.StreamAdapter(options.stt, vad);
    this.#stages = { stt: recogniser, llm: options.llm, tts: options.tts, vad, endSilenceMs, sampleRateHz };
    // An 'error' event without a listener would end the process; one may come when its session is long over.
    for (const stage of [recogniser, options.llm, options.tts]) stage.on('error', () => undefined);
  }

  override get model(): string {
    return this.#stages.llm.model;
  }

  override get provider(): string {
    return 'pipeline';
  }

  override label(): string {
    return PIPELINE_LABEL;
  }

  override session(): PipelineSession {
    const session: PipelineSession = new PipelineSession(this, this.#stages, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  override async close(): Promise<void> {
    await Promise.allSettled([...this.#sessions].map((session) => session.close()));
  }
}
