// What happens in one call of a run, all of it from the run's seed and the call's number: any call can be held again by itself.
import { Habits } from '../../../fixtures/habits.ts';
import { CASES, type VendorName } from './realtime-rows.ts';
import { ROOM_FAULTS } from './room-faults.ts';

export const MODES = ['pipeline', 'speech-to-speech'] as const;
export type Mode = (typeof MODES)[number];

export interface TurnPlan {
  readonly words: readonly number[];
  /** The caller begins the next turn this long after the answer began. */
  readonly bargeInAfterMs?: number;
}

/** A fault from the table of the mode. */
export interface FaultPlan {
  readonly title: string;
  readonly turn: number;
  /** For faults in the middle of a turn: the time since the caller began it. */
  readonly afterMs: number;
}

export interface CallPlan {
  readonly index: number;
  /** Seed of the vendors' habits; absent: they have none and answer at once. */
  readonly vendorSeed?: number;
  readonly mode: Mode;
  /** The vendor that is asked first in speech to speech. */
  readonly first: VendorName;
  readonly turns: readonly TurnPlan[];
  /** What the model says around the caller's words. */
  readonly frame?: readonly [before: readonly number[], after: readonly number[]];
  readonly fault?: FaultPlan;
  /** The caller leaves this long after the last turn began. */
  readonly hangUpAfterMs?: number;
}

export interface PlanOptions {
  readonly seed: number;
  /** The modes alternate where absent. */
  readonly mode?: Mode | undefined;
  readonly hasFaults?: boolean;
  /** Whether callers interrupt and hang up. */
  readonly isRude?: boolean;
}

const TURNS = { least: 3, most: 6 };
/** Rude callers talk for less time: what matters there is how calls begin, break and end. */
const RUDE_TURNS = { least: 2, most: 4 };
const WORDS_A_TURN = 6;
/** This many turns in a row share no word: at 16 kHz there are marks enough for the words of three turns. */
const TURNS_APART = 3;
/** Length of a turn with its answer. */
const TURN_MS = 6_000;
const SPEECH_MS = 2_500;
const REPLY_MS = 1_500;

export function planCall({ seed, mode, hasFaults, isRude }: PlanOptions, index: number): CallPlan {
  const chance = new Habits(seed * 10_007 + index);
  const held = mode ?? (MODES[index % MODES.length] as Mode);
  const first: VendorName = (mode ? index : index >> 1) % 2 === 0 ? 'gemini' : 'openai';
  const { least, most } = isRude ? RUDE_TURNS : TURNS;
  const count = Math.floor(chance.between(least, most + 1));
  const turns = Array.from({ length: count }, (_, turn) => {
    const isInterrupted = isRude && turn < count - 1 && chance.chance(0.2);
    return {
      words: wordsOfTurn(turn, WORDS_A_TURN, TURNS_APART),
      ...(isInterrupted && { bargeInAfterMs: Math.round(chance.between(100, REPLY_MS)) }),
    };
  });
  const titles = faultsOf(held);
  return {
    index,
    vendorSeed: seed * 1_000 + index,
    mode: held,
    first,
    turns,
    ...(hasFaults && {
      fault: {
        title: chance.pick(titles),
        turn: Math.floor(chance.between(0, count)),
        afterMs: Math.round(chance.between(0, SPEECH_MS)),
      },
    }),
    ...(isRude && chance.chance(0.2) && { hangUpAfterMs: Math.round(chance.between(200, TURN_MS)) }),
  };
}

/** The words of a turn: they repeat after `turnsApart` turns. */
export function wordsOfTurn(turn: number, words: number, turnsApart: number): number[] {
  return Array.from({ length: words }, (_, place) => (turn % turnsApart) * words + place);
}

function faultsOf(mode: Mode): [string, ...string[]] {
  const titles =
    mode === 'pipeline'
      ? ROOM_FAULTS.flatMap(({ title, stage }) => (stage === undefined ? [] : [title]))
      : CASES.flatMap(({ name, row }) => (row === 'none' ? [] : [name]));
  return titles as [string, ...string[]];
}

/** Describes the call in a run's output. */
export function describePlan({ index, mode, first, turns, fault, hangUpAfterMs }: CallPlan): string {
  const interrupted = turns.filter(({ bargeInAfterMs }) => bargeInAfterMs !== undefined).length;
  return [
    `call ${index}`,
    mode === 'pipeline' ? mode : `${mode}, ${first} first`,
    `${turns.length} turns`,
    ...(fault ? [`${fault.title} in turn ${fault.turn + 1}`] : []),
    ...(interrupted > 0 ? [`${interrupted} interrupted`] : []),
    ...(hangUpAfterMs === undefined ? [] : ['hangs up']),
  ].join(', ');
}
