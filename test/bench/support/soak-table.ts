// The table of `pnpm soak`: what the calls came to, and how the parents' memory went.
import { summarise } from './call-summary.ts';
import { markdownTable, type TableLine } from './failover-table.ts';
import { growthPer100Calls, type MemorySample } from './memory-trend.ts';
import type { SoakResult } from './soak-run.ts';

export function soakTable({ calls, broken, memory, wrong }: SoakResult): string {
  const { dropped, turns, unanswered, heard, conversation, clipped, switches, longestWaitMs, ...rest } =
    summarise(calls);
  const hungUp = calls.filter(({ plan }) => plan.hangUpAfterMs !== undefined).length;
  const interrupted = calls
    .flatMap(({ plan }) => plan.turns)
    .filter((turn) => turn.bargeInAfterMs !== undefined).length;
  const line = (title: string, cell: string): TableLine => ({ title, cells: [cell] });
  const lines = [
    line('calls, turns', `${rest.calls}, ${turns}`),
    line('with interrupted turns, hung up', `${interrupted}, ${hungUp}`),
    line('calls dropped', `${dropped}`),
    line('turns unanswered', `${unanswered}`),
    line('words lost at the ear', `${heard.lost} of ${heard.due}`),
    line('words twice, cut short at the ear', `${heard.twice}, ${clipped}`),
    line('words lost in the conversation', `${conversation.lost} of ${conversation.due}`),
    line('words twice in the conversation', `${conversation.twice}`),
    line('switches', `${switches}`),
    line('longest wait', `${longestWaitMs} ms`),
    line('latest frame of a caller', `${rest.latenessMs} ms, ${rest.starved} calls starved`),
    ...memory.flatMap(({ heap, own }, place) => [
      line(`heap of parent ${place + 1}`, trendCell(heap)),
      line(`memory of parent ${place + 1}`, trendCell(own)),
    ]),
    line('calls with a broken promise', `${broken.length}`),
    line('left behind, or grown', `${wrong.length}`),
  ];
  return markdownTable({ title: 'Soak', cells: [''] }, lines);
}

function trendCell(samples: readonly MemorySample[]): string {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return 'none measured';
  const growth = growthPer100Calls(samples);
  const trend = growth === undefined ? 'too few calls for a trend' : `${growth.toFixed(2)} MB in 100 calls`;
  return `${first.megabytes.toFixed(1)} to ${last.megabytes.toFixed(1)} MB, ${trend}`;
}
