// Shows what serves the call: the stages with their providers, and the time to answer.
import { type StageReport, stageNames, stagesToShow } from './agent-messages.ts';
import type { CallMode } from './api.ts';
import { byId, make } from './elements.ts';
import { median, secondsText } from './median.ts';

const BARS = 16;

/** @param mode in which the next call will be held */
export function showStages(reports: readonly StageReport[], mode?: CallMode): void {
  const items = stagesToShow(reports, mode).map((stage) => {
    const report = reports.find((candidate) => candidate.stage === stage);
    const active = report?.state === 'active';
    const item = make('li', `stage ${report ? (active ? 'active' : 'impaired') : 'unknown'}`, [
      make('p', 'stage-name', stageNames[stage]),
    ]);
    if (report) {
      item.append(make('p', 'stage-title', report.title ?? report.provider));
      const details = [report.title && report.provider, !active && report.state].filter(Boolean).join(' · ');
      if (details) item.append(make('p', 'stage-state', details));
    }
    return item;
  });
  byId('stages').replaceChildren(...items);
  byId('stages-note').hidden = reports.length > 0;
}

export function showTimes(turnsMs: readonly number[]): void {
  const middle = median(turnsMs);
  byId('median').hidden = middle === undefined;
  if (middle !== undefined) {
    byId('median').textContent = secondsText(middle);
    const last = turnsMs.at(-1) ?? middle;
    const turns = turnsMs.length === 1 ? '1 turn' : `${turnsMs.length} turns`;
    byId('times-note').textContent =
      `Median of ${turns}, the last took ${secondsText(last)}. From the end of your words to the agent’s first sound.`;
  }
  const recent = turnsMs.slice(-BARS);
  const longest = Math.max(...recent, 1);
  byId('bars').replaceChildren(
    ...recent.map((turn) => {
      const bar = make('i', '');
      bar.style.setProperty('--height', String(turn / longest));
      return bar;
    }),
  );
}
