// Takes down what the caller says after the tone: needs no provider.
import { AudioStream, type RemoteParticipant, type RemoteTrack, TrackKind } from '@livekit/rtc-node';
import { joinSamples } from '../audio/join-samples.ts';
import { SpeechGate } from '../audio/speech-gate.ts';
import type { Sound } from '../audio/wav.ts';

const RATE_HZ = 16_000;
const FRAME_MS = 20;
/** The caller must begin within BEGIN_MS, and has finished after QUIET_MS of quiet. */
const BEGIN_MS = 8_000;
const QUIET_MS = 3_000;
const LONGEST_MS = 120_000;
/** Total length of sound that counts as speech; less is a cough or a click. */
const LEAST_LOUD_MS = 300;

export interface MessageRecorder {
  /** Call after the tone: from now on quiet ends the message. */
  afterTone(): void;
  /** The whole recording, once the caller has finished or is gone; undefined when nothing was said. */
  readonly message: Promise<Sound | undefined>;
}

/**
 * Begins to record at once, so that the words of a caller who speaks before the tone are kept.
 * @param signal ends the recording; what there is is the message
 */
export function recordMessage(caller: RemoteParticipant, signal: AbortSignal): MessageRecorder {
  let toneAt: number | undefined;
  let heard = 0;
  return {
    afterTone: () => {
      toneAt = heard;
    },
    message: record(
      trackOf(caller),
      (samples) => {
        heard = samples;
        return toneAt;
      },
      signal,
    ),
  };
}

async function record(
  track: RemoteTrack | undefined,
  toneAt: (heard: number) => number | undefined,
  signal: AbortSignal,
): Promise<Sound | undefined> {
  if (!track) return undefined;
  const gate = new SpeechGate(RATE_HZ, LONGEST_MS);
  const pieces: Int16Array[] = [];
  let length = 0;
  let spokeAt: number | undefined;
  const stream = new AudioStream(track, { sampleRate: RATE_HZ, numChannels: 1, frameSizeMs: FRAME_MS });
  const reader = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => undefined);
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  // A muted microphone may send no frames at all.
  const silent = setTimeout(cancel, BEGIN_MS);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    silent.refresh();
    pieces.push(value.data.slice());
    length += value.data.length;
    gate.write(value.data);
    if (gate.isSpeech) spokeAt = length;
    if (isOver(length, spokeAt, toneAt(length))) break;
  }
  clearTimeout(silent);
  signal.removeEventListener('abort', cancel);
  cancel();
  if (gate.loudMs(0) < LEAST_LOUD_MS) return undefined;
  return { samples: joinSamples(pieces), sampleRateHz: RATE_HZ };
}

/** All arguments are in samples since the beginning of the recording. */
function isOver(length: number, spokeAt: number | undefined, toneAt: number | undefined): boolean {
  const since = (at: number) => ((length - at) * 1000) / RATE_HZ;
  if (since(0) >= LONGEST_MS) return true;
  if (toneAt === undefined) return false;
  const hasSpoken = spokeAt !== undefined && spokeAt > toneAt;
  return hasSpoken ? since(spokeAt) >= QUIET_MS : since(toneAt) >= BEGIN_MS;
}

function trackOf(caller: RemoteParticipant): RemoteTrack | undefined {
  for (const { track, kind } of caller.trackPublications.values()) {
    if (track && kind === TrackKind.KIND_AUDIO) return track as RemoteTrack;
  }
  return undefined;
}
