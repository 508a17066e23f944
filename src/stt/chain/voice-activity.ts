// Tells links that need it when the caller speaks: by what the caller of the chain brings, or by energy alone.
import { SpeechGate } from '../../audio/speech-gate.ts';

export interface ActivityEvents {
  /** Voice activity began or ended at the end of the audio processed so far. */
  onSpeech(active: boolean): void;
  /** `samples`: number of samples processed since the start. */
  onProcessed(samples: number): void;
  /** The detector has failed and works no more. */
  onBroken(): void;
}

/** Detects voice activity in the audio of one session. */
export interface ActivityDetector {
  /** Does not keep the array. */
  write(samples: Int16Array): void;
  /** Settles when all audio is processed. */
  end(): Promise<void>;
  close(): void;
}

export type OpenActivity = (sampleRateHz: number, events: ActivityEvents) => ActivityDetector;

/** Default of LiveKit's VAD. */
const END_AFTER_MS = 550;
const LOOK_BACK_MS = 2_000;

/** The energy gate as a detector: speech ends after END_AFTER_MS of quiet. */
export const openEnergyActivity: OpenActivity = (sampleRateHz, { onSpeech, onProcessed }) => {
  const gate = new SpeechGate(sampleRateHz, LOOK_BACK_MS);
  const step = Math.round(sampleRateHz / 100);
  const endAfter = (sampleRateHz * END_AFTER_MS) / 1000;
  let isActive = false;
  let processed = 0;
  let lastSpeech = 0;
  const look = (samples: Int16Array) => {
    gate.write(samples);
    processed += samples.length;
    if (gate.isSpeech) lastSpeech = processed;
    const isSpeech = gate.isSpeech || (isActive && processed - lastSpeech < endAfter);
    onProcessed(processed);
    if (isSpeech !== isActive) {
      isActive = isSpeech;
      onSpeech(isSpeech);
    }
  };
  return {
    write: (samples) => {
      for (let from = 0; from < samples.length; from += step) look(samples.subarray(from, from + step));
    },
    end: async () => undefined,
    close: () => undefined,
  };
};
