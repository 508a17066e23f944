// How a turn went, from the sound of both sides: what a caller would notice, whatever the agent says of itself.
import type { Span } from '../audio/voiced-spans.ts';
import type { Utterance } from './caller-microphone.ts';

export interface TurnTimes {
  /** From the caller's last voiced sample to the first of the agent's answer; undefined when no answer came. */
  readonly voiceToVoiceMs: number | undefined;
  /** When the agent cut in: how long before the caller's last voiced sample it began. */
  readonly cutInMs: number | undefined;
  /** When the agent was speaking as the caller began: how long it went on. */
  readonly stoppedAfterMs: number | undefined;
}

/**
 * @param agentSpans when the agent was heard, in order, on the clock of the utterance
 * @param untilMs an answer must begin before it: the next utterance, or the end
 */
export function measureTurn(
  { firstVoicedMs, lastVoicedMs }: Pick<Utterance, 'firstVoicedMs' | 'lastVoicedMs'>,
  agentSpans: readonly Span[],
  untilMs = Number.POSITIVE_INFINITY,
): TurnTimes {
  const speaking = agentSpans.find(({ startMs, endMs }) => startMs < firstVoicedMs && endMs > firstVoicedMs);
  const cutIn = agentSpans.find(({ startMs }) => startMs >= firstVoicedMs && startMs < lastVoicedMs);
  const answer = agentSpans.find(({ startMs }) => startMs >= lastVoicedMs && startMs < untilMs);
  return {
    voiceToVoiceMs: answer && answer.startMs - lastVoicedMs,
    cutInMs: cutIn && lastVoicedMs - cutIn.startMs,
    stoppedAfterMs: speaking && speaking.endMs - firstVoicedMs,
  };
}

/** The median of an unsorted list; undefined for an empty one. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] as number) + upper) / 2;
}
