// The table of `bench:normal`: what calls came to, ours beside the plugins alone.
import type { CallSummary } from './call-summary.ts';
import type { TableLine } from './failover-table.ts';

export interface Measured {
  readonly title: string;
  readonly summary: CallSummary;
  /** The same calls with the plugins alone. */
  readonly beside: CallSummary | undefined;
}

type Row = readonly [title: string, cell: (measured: Measured) => string];

const percent = (part: number, whole: number) => (whole === 0 ? '–' : `${((part * 100) / whole).toFixed(1)} %`);
const ms = (value: number) => (Number.isNaN(value) ? '–' : `${Math.round(value)} ms`);
const ratio = (value: number, to: number | undefined) => (to === undefined ? '' : `, × ${(value / to).toFixed(2)}`);

const ROWS: readonly Row[] = [
  ['calls, turns', ({ summary: { calls, turns } }) => `${calls}, ${turns}`],
  ['calls dropped', ({ summary: { dropped } }) => `${dropped}`],
  ['turns unanswered', ({ summary: { unanswered } }) => `${unanswered}`],
  ['words lost at the ear', ({ summary: { heard } }) => `${heard.lost} of ${heard.due}`],
  ['words twice at the ear', ({ summary: { heard } }) => `${heard.twice}`],
  ['words cut short at the ear', ({ summary: { clipped } }) => `${clipped}`],
  ['words lost in the conversation', ({ summary: { conversation } }) => `${conversation.lost} of ${conversation.due}`],
  ['words twice in the conversation', ({ summary: { conversation } }) => `${conversation.twice}`],
  ['switches', ({ summary: { switches } }) => `${switches}`],
  ['failures on the board', ({ summary: { failures } }) => `${failures}`],
  ['extra connections', ({ summary: { extraConnections } }) => `${extraConnections}`],
  [
    'extra requests, of all',
    ({ summary: { extraRequests, requests } }) => `${extraRequests}, ${percent(extraRequests, requests)}`,
  ],
  ['hedges, of all starts', ({ summary: { hedges, starts } }) => `${hedges}, ${percent(hedges, starts)}`],
  ['turns by a last resort', ({ summary: { reserveTurns } }) => `${reserveTurns}`],
  [
    'voice to voice, median',
    ({ summary, beside }) => `${ms(summary.medianMs)}${ratio(summary.medianMs, beside?.medianMs)}`,
  ],
  ['voice to voice, p95', ({ summary, beside }) => `${ms(summary.p95Ms)}${ratio(summary.p95Ms, beside?.p95Ms)}`],
  ['longest wait', ({ summary: { longestWaitMs } }) => ms(longestWaitMs)],
  ['latest frame of a caller', ({ summary: { latenessMs, starved } }) => `${ms(latenessMs)}, ${starved} calls starved`],
];

export function normalLines(columns: readonly Measured[]): TableLine[] {
  return ROWS.map(([title, cell]) => ({ title, cells: columns.map(cell) }));
}
