// Human speech with countable words, for tests of recognisers that listen to a fixture's recogniser.
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { markThroughout } from '../../../fixtures/tones.ts';
import type { SttPart, SttSession } from '../../../src/stt/contract.ts';

export const MARKED_RATE_HZ = 16_000;

/** The clip "long" (about 8 s) with these words above it. */
export function markedSpeech(words: readonly number[], clip = 'long'): Int16Array {
  const { samples } = loadClip(clip);
  return markThroughout(samples, MARKED_RATE_HZ, words);
}

/** One utterance, in frames as a call has them, with a little silence behind it. */
export function say(session: SttSession, samples: Int16Array): void {
  session.speech?.(true);
  for (let at = 0; at < samples.length; at += 320) session.write(samples.subarray(at, at + 320));
  session.write(new Int16Array(MARKED_RATE_HZ / 2));
  session.speech?.(false);
}

export const finalsOf = (parts: readonly SttPart[]) =>
  parts.flatMap((part) => (part.type === 'final' ? [part.text] : []));
