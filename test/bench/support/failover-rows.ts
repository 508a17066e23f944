// What is measured: each fault at each stage, and what a cell of the table says of it.
import type { Fault, Outcome } from './failover-child.ts';

export type Stage = 'stt' | 'llm' | 'tts';
export const STAGES: readonly Stage[] = ['stt', 'llm', 'tts'];

/** How one call is set up. */
export interface CallPlan {
  readonly stage: Stage;
  readonly fault?: Fault;
  readonly wordTimes?: boolean;
  /** The next model begins the reply anew, whatever it is asked. */
  readonly beginsAnew?: boolean;
  /** Ends with the first result; only for speech to text, which otherwise takes as long as the caller speaks. */
  readonly untilFirst?: boolean;
}

export interface Row extends CallPlan {
  readonly title: string;
  cell(outcome: Outcome): string;
}

const seconds = (ms: number | undefined) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(ms < 995 ? 2 : 1)} s`);

const words = ({ lost, twice, clipped, isSilent }: Outcome) =>
  [
    `${lost} lost`,
    ...(twice > 0 || clipped !== undefined ? [`${twice} twice`] : []),
    ...(clipped !== undefined ? [`${clipped} clipped`] : []),
    ...(isSilent ? ['then silence'] : []),
  ].join(', ');
const wordsAndGap = (outcome: Outcome) =>
  outcome.gapMs === undefined ? words(outcome) : `${words(outcome)}; again after ${seconds(outcome.gapMs)}`;
/** Shows the pause that the caller hears within the reply; if the rest is missing, there is none. */
const wordsAndPause = (outcome: Outcome) =>
  outcome.isSilent || outcome.lost > 0 ? words(outcome) : `${words(outcome)}; pause ${seconds(outcome.gapMs)}`;
const wordsAndFirst = (outcome: Outcome) => `${words(outcome)}; first after ${seconds(outcome.firstMs)}`;

const REFUSED = { kind: 'refused', status: 402 } as const;
const HANG = { kind: 'hang' } as const;
const midway = (kind: 'break' | 'silence' | 'end', afterWords: number): Fault => ({ kind, afterWords });

export const ROWS: readonly Row[] = [
  { stage: 'stt', title: 'STT without a fault, of 32', cell: wordsAndFirst },
  { stage: 'tts', title: 'TTS without a fault, of 18', cell: wordsAndFirst },
  { stage: 'llm', title: 'LLM without a fault, of 24', cell: wordsAndFirst },
  { stage: 'stt', title: 'STT breaks in mid-utterance, of 32', fault: midway('break', 12), cell: wordsAndGap },
  { stage: 'stt', title: 'STT silent in mid-utterance, of 32', fault: midway('silence', 12), cell: wordsAndGap },
  { stage: 'stt', title: 'STT ends in mid-utterance, of 32', fault: midway('end', 12), cell: wordsAndGap },
  { stage: 'stt', title: 'STT hangs at connect, of 32', fault: HANG, cell: wordsAndFirst },
  { stage: 'tts', title: 'TTS breaks in mid-reply, of 18', fault: midway('break', 9), cell: wordsAndPause },
  {
    stage: 'tts',
    title: 'TTS breaks, exact word times',
    fault: midway('break', 9),
    wordTimes: true,
    cell: wordsAndPause,
  },
  { stage: 'tts', title: 'TTS silent in mid-reply, of 18', fault: midway('silence', 9), cell: wordsAndPause },
  {
    stage: 'tts',
    title: 'TTS silent, exact word times',
    fault: midway('silence', 9),
    wordTimes: true,
    cell: wordsAndPause,
  },
  {
    stage: 'tts',
    title: 'TTS ends early, exact word times',
    fault: midway('end', 9),
    wordTimes: true,
    cell: wordsAndPause,
  },
  { stage: 'tts', title: 'TTS hangs at connect, of 18', fault: HANG, cell: wordsAndFirst },
  { stage: 'tts', title: 'TTS refused (402), of 18', fault: REFUSED, cell: wordsAndFirst },
  { stage: 'llm', title: 'LLM breaks in mid-reply, of 24', fault: midway('break', 9), cell: wordsAndGap },
  {
    stage: 'llm',
    title: 'LLM breaks, the next begins anew',
    fault: midway('break', 9),
    beginsAnew: true,
    cell: wordsAndGap,
  },
  { stage: 'llm', title: 'LLM silent in mid-reply, of 24', fault: midway('silence', 9), cell: wordsAndGap },
  { stage: 'llm', title: 'LLM hangs at connect, of 24', fault: HANG, cell: wordsAndFirst },
];

/** Statuses whose refusal must cost nothing. */
export const HARD_STATUSES = [401, 402, 429, 500] as const;

/** Outages that are measured with a second call. */
export const OUTAGES = [
  { title: 'refused with 402', fault: REFUSED },
  { title: 'hangs at connect', fault: HANG },
] as const;

/** The attempts at the dead provider, and the wait over the backup's own time. */
export function secondCallCell(attempts: number, extraMs: number | undefined): string {
  return `${attempts} attempts, ${extraCell(extraMs)}`;
}

export function extraCell(extraMs: number | undefined): string {
  return extraMs === undefined ? 'never' : `${Math.max(0, Math.round(extraMs)).toLocaleString('en')} ms`;
}
