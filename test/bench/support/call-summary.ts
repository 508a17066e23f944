// What calls of one kind came to together, and what of it breaks a promise.
import type { MeasuredCall } from './call-outcome.ts';
import { sumWords, type WordCounts } from './compare-words.ts';
import { quantile } from './contest.ts';

export interface CallSummary {
  readonly calls: number;
  readonly turns: number;
  readonly unanswered: number;
  readonly dropped: number;
  readonly switches: number;
  readonly failures: number;
  readonly extraConnections: number;
  readonly extraRequests: number;
  /** Requests that are due: for a turn of the pipeline two (recognition and language model), in speech to speech one. */
  readonly requests: number;
  readonly hedges: number;
  /** Work given to the stages: three for a turn of the pipeline, one in speech to speech. */
  readonly starts: number;
  readonly reserveTurns: number;
  readonly heard: WordCounts;
  readonly clipped: number;
  readonly conversation: WordCounts;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly longestWaitMs: number;
  readonly latenessMs: number;
  /** Calls during which the machine was overloaded. */
  readonly starved: number;
}

export function summarise(calls: readonly MeasuredCall[]): CallSummary {
  const sum = (of: (call: MeasuredCall) => number) => calls.reduce((total, call) => total + of(call), 0);
  const waits = calls.flatMap(({ voiceToVoiceMs }) => voiceToVoiceMs);
  return {
    calls: calls.length,
    turns: sum(({ turns }) => turns),
    unanswered: sum(({ unanswered }) => unanswered),
    dropped: sum(({ dropped }) => (dropped === undefined ? 0 : 1)),
    switches: sum(({ switches }) => switches.length),
    failures: sum(({ failures }) => failures.length),
    extraConnections: sum(({ extra }) => extra.connections),
    extraRequests: sum(({ extra }) => extra.requests),
    requests: sum(({ turns, plan }) => turns * (plan.mode === 'pipeline' ? 2 : 1)),
    hedges: sum(({ hedges }) => hedges.length),
    starts: sum(({ turns, plan }) => turns * (plan.mode === 'pipeline' ? 3 : 1)),
    reserveTurns: sum(({ reserveTurns }) => reserveTurns),
    heard: sumWords(calls.map(({ heard }) => heard)),
    clipped: sum(({ clipped }) => clipped),
    conversation: sumWords(calls.map(({ conversation }) => conversation)),
    medianMs: quantile(waits, 0.5),
    p95Ms: quantile(waits, 0.95),
    longestWaitMs: Math.max(0, ...calls.map(({ longestWaitMs }) => longestWaitMs)),
    starved: sum(({ isStarved }) => (isStarved ? 1 : 0)),
    latenessMs: Math.max(0, ...calls.map(({ latenessMs }) => latenessMs)),
  };
}

/** The promises that one call broke, whatever failed in it; a last entry says if the machine may be to blame. */
export function brokenPromises(call: MeasuredCall): string[] {
  const { dropped, unanswered, heard, conversation, clipped, isStarved, latenessMs } = call;
  const count = (number: number, what: string) => (number === 0 ? [] : [`${number} ${what}`]);
  const broken = [
    ...(dropped === undefined ? [] : [`dropped (${dropped})`]),
    ...count(unanswered, 'turns unanswered'),
    ...count(heard.lost, `of ${heard.due} words never heard`),
    ...count(heard.twice, 'words heard twice'),
    ...count(clipped, 'words cut short'),
    ...count(conversation.lost, `of ${conversation.due} words not in the conversation`),
    ...count(conversation.twice, 'words twice in the conversation'),
  ];
  return broken.length > 0 && isStarved ? [...broken, `on a starved machine: frames ${latenessMs} ms late`] : broken;
}

/** What else went wrong in a call in which no vendor failed. */
export function falseAlarms({ switches, failures, extra, hedges, reserveTurns }: MeasuredCall): string[] {
  const count = (number: number, what: string) => (number === 0 ? [] : [`${number} ${what}`]);
  return [
    ...(switches.length === 0 ? [] : [tally(switches)]),
    ...(failures.length === 0 ? [] : [`blamed: ${tally(failures)}`]),
    ...count(extra.connections, 'extra connections'),
    ...count(extra.requests, 'extra requests'),
    ...(hedges.length === 0 ? [] : [`hedges: ${tally(hedges)}`]),
    ...count(reserveTurns, 'turns by a last resort'),
  ];
}

/** The lines with their counts, such as "tts cartesia timeout, 3 × llm openai server". */
export function tally(lines: readonly string[]): string {
  const times = new Map<string, number>();
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
  return [...times].map(([line, count]) => (count === 1 ? line : `${count} × ${line}`)).join(', ');
}
