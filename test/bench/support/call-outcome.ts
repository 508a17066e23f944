// What came of one measured call: its words on each side, its waits, and what the vendors were asked for.
import type { Word } from '../../../fixtures/tones.ts';
import type { Span } from '../../../src/audio/voiced-spans.ts';
import type { Utterance } from '../../../src/livekit/caller-microphone.ts';
import { measureTurn } from '../../../src/livekit/voice-to-voice.ts';
import { GREETING } from '../../rooms/support/realtime-vendors.ts';
import type { WholeWord } from '../../rooms/support/without-tears.ts';
import type { Asked, Extra } from './asked.ts';
import type { CallPlan } from './call-plan.ts';
import { compareWords, type DueWord, dueWords, type WordCounts } from './compare-words.ts';

/** One turn as it went. */
export interface TurnRecord {
  readonly words: readonly number[];
  /** 'hung up': the caller left before the turn's end, so nothing of it is due; 'interrupted': only the caller's words are due. */
  readonly ended: 'answered' | 'interrupted' | 'hung up';
  readonly utterance: Utterance | undefined;
}

export interface CallOutcome {
  /** Words that the caller heard. */
  readonly heard: WordCounts;
  /** Words in the conversation, both sides. */
  readonly conversation: WordCounts;
  /** Every word as it came, to look for causes. */
  readonly came: Told & { readonly heard: readonly number[] };
  /** Words that the caller heard shorter than their length. */
  readonly clipped: number;
  /** The wait for each turn's answer, in ms; unanswered turns have none. */
  readonly voiceToVoiceMs: readonly number[];
  /** The longest time in which the caller heard nothing: before an answer, or within one. */
  readonly longestWaitMs: number;
  /** Turns whose answer never came. */
  readonly unanswered: number;
  /** Why the caller lost the call, if it did. */
  readonly dropped: string | undefined;
  readonly failures: readonly string[];
  /** Turns in which a last resort served. */
  readonly reserveTurns: number;
  readonly turns: number;
  readonly asked: readonly Asked[];
  readonly extra: Extra;
  readonly latenessMs: number;
  /** The machine was overloaded: sound was torn on its way, whatever the program did. */
  readonly isStarved: boolean;
}

/** An outcome with the events that only the worker's log has. */
export interface MeasuredCall extends CallOutcome {
  readonly plan: CallPlan;
  readonly switches: readonly string[];
  readonly hedges: readonly string[];
}

/** A word has 240 ms, less what a receiver shortens it by; a word that was cut is shorter than this. */
const WHOLE_MS = 160;
/** How long an answer is waited for; it counts as the wait of a turn without an answer. */
export const ANSWERED_WITHIN_MS = 15_000;

/** Removes the second halves of words that a busy machine tore in two; no word is due twice in a row. */
export function withoutEchoes(words: readonly number[]): number[] {
  return words.filter((word, at) => word !== words[at - 1]);
}

type Frame = readonly [before: readonly number[], after: readonly number[]];

/**
 * The agent's words that the caller must hear, and that the conversation must hold. A model that is asked while its reply is being
 * interrupted is not told of that reply yet (LiveKit adds it afterwards), so it may answer the interrupted turns once more.
 */
export function dueOfAgent(turns: readonly TurnRecord[], [before, after]: Frame): DueWord[] {
  return [
    ...dueWords(GREETING),
    ...turns.flatMap(({ words, ended }, at) => [
      ...dueWords(interruptedBefore(turns, at), true),
      ...dueWords([...before, ...words, ...after], ended !== 'answered'),
    ]),
  ];
}

function interruptedBefore(turns: readonly TurnRecord[], at: number): number[] {
  const answered = turns.slice(0, at).findLastIndex(({ ended }) => ended !== 'interrupted');
  return turns.slice(answered + 1, at).flatMap(({ words }) => words);
}

/** The caller's words that the conversation must hold. */
export function dueOfCaller(turns: readonly TurnRecord[]): DueWord[] {
  return turns.flatMap(({ words, ended }) => dueWords(words, ended === 'hung up'));
}

export interface Told {
  readonly caller: readonly number[];
  readonly agent: readonly number[];
}

export function countConversation(turns: readonly TurnRecord[], frame: Frame, told: Told): WordCounts {
  const caller = compareWords(dueOfCaller(turns), told.caller);
  const agent = compareWords(dueOfAgent(turns, frame), told.agent);
  return { due: caller.due + agent.due, lost: caller.lost + agent.lost, twice: caller.twice + agent.twice };
}

/** Counts words that were cut short, except those that an interruption cut. */
export function countClipped(heard: readonly WholeWord[], turns: readonly TurnRecord[]): number {
  const cuts = turns.flatMap((turn, at) => (turn.ended === 'answered' ? [] : [turns[at + 1]?.utterance?.startMs]));
  const isCut = ({ endMs }: Word) => cuts.some((cutMs) => cutMs === undefined || Math.abs(endMs - cutMs) < 2_000);
  return heard.filter((word) => word.soundMs < WHOLE_MS && !isCut(word)).length;
}

/** Waits of the turns that were to be answered. */
export function waitsOf(turns: readonly TurnRecord[], spans: readonly Span[], heard: readonly Word[]) {
  const waits = turns.flatMap(({ ended, utterance }, at) => {
    if (ended !== 'answered' || !utterance) return [];
    const untilMs = turns[at + 1]?.utterance?.startMs ?? Number.POSITIVE_INFINITY;
    const { voiceToVoiceMs, cutInMs } = measureTurn(utterance, spans, untilMs);
    const inReply = heard.filter(({ startMs }) => startMs > utterance.startMs && startMs < untilMs);
    const gaps = inReply.slice(1).map((word, place) => word.startMs - (inReply[place] as Word).endMs);
    return [{ voiceToVoiceMs: voiceToVoiceMs ?? (cutInMs === undefined ? undefined : 0), gapMs: Math.max(0, ...gaps) }];
  });
  const voiceToVoiceMs = waits.flatMap((wait) => wait.voiceToVoiceMs ?? []);
  const longest = waits.map((wait) => Math.max(wait.voiceToVoiceMs ?? ANSWERED_WITHIN_MS, wait.gapMs));
  return {
    voiceToVoiceMs: voiceToVoiceMs.map(Math.round),
    longestWaitMs: Math.round(Math.max(0, ...longest)),
    unanswered: waits.length - voiceToVoiceMs.length,
  };
}
