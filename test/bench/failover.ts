// `pnpm bench:failover`: what a caller loses when a provider fails, under LiveKit's fallback adapters and under our chains,
// over the same scripted providers in the same run. A failing provider stays failed, as in an outage.
import '../../src/livekit/quiet-rtc.ts';
import { createWriteStream, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { initializeLogger } from '@livekit/agents';
import type { MeasuredCall } from './support/call-outcome.ts';
import type { Party } from './support/call-runner.ts';
import { Escapes, Outage, ownFirstMs } from './support/failover-calls.ts';
import { COLUMNS, type Column } from './support/failover-columns.ts';
import {
  extraCell,
  HARD_STATUSES,
  OUTAGES,
  ROWS,
  STAGES,
  type Stage,
  secondCallCell,
} from './support/failover-rows.ts';
import { markdownTable } from './support/failover-table.ts';
import { type MeasuredCase, measureRealtime, REALTIME_COLUMNS, realtimeCell } from './support/realtime-outcome.ts';
import { CASES } from './support/realtime-rows.ts';
import { measureRooms, ROOM_PARTIES, roomCell } from './support/room-calls.ts';
import { ROOM_FAULTS } from './support/room-faults.ts';

const HELP = `Usage: pnpm bench:failover [--rows stt,llm,tts,realtime] [--room [--ours]] [--json FILE]

Fails scripted providers in every way and counts what a caller would have lost, with LiveKit's FallbackAdapters
(defaults, and tuned: 1 s per attempt, no retries) and with Bulletproof's chains. Takes about three minutes. Then fails
speech-to-speech vendors under calls of official plugins and of Bulletproof, each in a process of its own: eight minutes.

  --rows STAGES  only these stages, comma separated
  --room         calls in a real room instead, over fixture vendors that fail: what is lost at the caller's ear and in the
                 conversation, and the longest wait; with Bulletproof's own providers, with official plugins as its links,
                 and with the same plugins under LiveKit's adapters; 25 minutes
  --ours         there only Bulletproof
  --json FILE    also write every measurement there
  --help         this text
`;

/** The table's cell and the measured values, by the title of a row. */
type Measured = Map<string, { readonly cell: string; readonly measured: unknown }>;

/** Voices start last: counting their words keeps the process busy, which would disturb the gaps of the other stages. */
const START_AFTER_MS: Readonly<Record<Stage, number>> = { llm: 0, stt: 3_000, tts: 15_000 };

const out = createWriteStream('', { fd: 1 });
const progress = createWriteStream('', { fd: 2 });

async function measure(column: Column, stages: readonly Stage[]): Promise<Measured> {
  const measured: Measured = new Map();
  const escapes = new Escapes();
  const unwatch = escapes.watch();
  const stalls = monitorEventLoopDelay({ resolution: 10 });
  stalls.enable();
  const own = new Map<Stage, number>();
  // Small differences are measured first, while nothing else runs.
  for (const stage of stages) {
    own.set(stage, await ownFirstMs(column, stage));
    await measureRefusals(column, stage, own.get(stage) as number, escapes, measured);
  }
  progress.write(`${column.title}: refusals measured\n`);
  await Promise.all([
    ...ROWS.filter(({ stage }) => stages.includes(stage)).map(async (row) => {
      if (stages.length > 1) await sleep(START_AFTER_MS[row.stage]);
      const outcome = await new Outage(column, row, escapes).call();
      measured.set(row.title, { cell: row.cell(outcome), measured: outcome });
      progress.write(`${column.title}: ${row.title}: ${row.cell(outcome)}\n`);
    }),
    ...stages.map((stage) => measureSecondCalls(column, stage, own.get(stage) as number, escapes, measured)),
  ]);
  unwatch();
  stalls.disable();
  const stallMs = stalls.max / 1e6;
  // Times say little if the machine was busy elsewhere, so the longest stall is shown beside them.
  measured.set('(the longest stall of the benchmark itself)', { cell: `${stallMs.toFixed(0)} ms`, measured: stallMs });
  for (const stage of stages) {
    const errors = escapes.sessionErrors[stage];
    measured.set(`${stage.toUpperCase()} errors that close the session`, { cell: `${errors}`, measured: errors });
  }
  measured.set('unhandled rejections', { cell: `${escapes.unhandled}`, measured: escapes.unhandled });
  return measured;
}

async function measureRefusals(column: Column, stage: Stage, ownMs: number, escapes: Escapes, measured: Measured) {
  const extras: Record<number, number | undefined> = {};
  for (const status of HARD_STATUSES) {
    const outage = new Outage(column, { stage, fault: { kind: 'refused', status }, untilFirst: true }, escapes);
    const { firstMs } = await outage.call();
    extras[status] = firstMs === undefined ? undefined : firstMs - ownMs;
  }
  const values = Object.values(extras);
  const worst = values.includes(undefined) ? undefined : Math.max(...(values as number[]));
  const title = `${stage.toUpperCase()} refused after 30 ms (${HARD_STATUSES.join(', ')}): most extra wait`;
  measured.set(title, { cell: extraCell(worst), measured: extras });
}

async function measureSecondCalls(column: Column, stage: Stage, ownMs: number, escapes: Escapes, measured: Measured) {
  await Promise.all(
    OUTAGES.map(async ({ title, fault }) => {
      await sleep(START_AFTER_MS[stage]);
      const outage = new Outage(column, { stage, fault, untilFirst: true }, escapes);
      await outage.call();
      const before = outage.dead.attempts;
      const { firstMs } = await outage.call();
      const attempts = outage.dead.attempts - before;
      const extraMs = firstMs === undefined ? undefined : firstMs - ownMs;
      measured.set(`${stage.toUpperCase()} ${title}: the second call`, {
        cell: secondCallCell(attempts, extraMs),
        measured: { attempts, extraMs },
      });
    }),
  );
}

/** @returns every call, by fault and party */
async function measureRoomTable(
  parties: readonly Party[],
  stages: readonly Stage[],
): Promise<Record<string, Record<string, MeasuredCall>>> {
  const measured: Record<string, Record<string, MeasuredCall>> = {};
  const faults = ROOM_FAULTS.filter(({ stage }) => stage === undefined || stages.includes(stage));
  await measureRooms(parties, faults, (party, { title }, call) => {
    measured[title] = { ...measured[title], [party]: call };
    const lateness = `frames up to ${Math.round(call.latenessMs)} ms late`;
    progress.write(`${ROOM_PARTIES[party]}: ${title}: ${roomCell(call)} (${lateness})\n`);
  });
  const lines = Object.entries(measured).map(([title, by]) => ({
    title,
    cells: parties.map((party) => (by[party] ? roomCell(by[party]) : '')),
  }));
  const cells = parties.map((party) => ROOM_PARTIES[party] ?? party);
  out.write(`${markdownTable({ title: 'In a room, what fails', cells }, lines)}\n`);
  return measured;
}

/** @returns every call, by row and column */
async function measureRealtimeTable(): Promise<Record<string, Record<string, readonly MeasuredCase[]>>> {
  const measured: Record<string, Record<string, readonly MeasuredCase[]>> = {};
  await measureRealtime(({ title }, row, cases) => {
    measured[row] = { ...measured[row], [title]: cases };
    progress.write(`${title}: ${row}: ${realtimeCell(cases)}\n`);
  });
  const titles = REALTIME_COLUMNS.map(({ title }) => title);
  const lines = [...new Set(CASES.map(({ row }) => row))].map((row) => ({
    title: row,
    cells: titles.map((title) => realtimeCell(measured[row]?.[title] ?? [])),
  }));
  out.write(`${markdownTable({ title: 'Speech to speech, what fails', cells: titles }, lines)}\n`);
  return measured;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string' },
      room: { type: 'boolean' },
      ours: { type: 'boolean' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    out.write(HELP);
    return;
  }
  const isAsked = (rows: string) => !values.rows || values.rows.split(',').includes(rows);
  const stages = STAGES.filter(isAsked);
  const hasRealtime = isAsked('realtime') && !values.room;
  if (stages.length === 0 && !hasRealtime) {
    throw new RangeError(`--rows takes ${STAGES.join(', ')}, realtime; got ${values.rows}`);
  }
  if (values.room) {
    const named = Object.keys(ROOM_PARTIES) as Party[];
    const parties = values.ours ? named.filter((party) => party.endsWith('ours')) : named;
    const measured = await measureRoomTable(parties, stages);
    if (values.json) writeFileSync(values.json, `${JSON.stringify(measured, null, 2)}\n`);
    return;
  }
  initializeLogger({ pretty: false, level: 'silent' });
  const rows = stages.length > 0 ? await measureTable(stages) : [];
  const realtime = hasRealtime ? await measureRealtimeTable() : undefined;
  if (values.json) writeFileSync(values.json, `${JSON.stringify(realtime ? { rows, realtime } : rows, null, 2)}\n`);
}

/** @returns every measurement, by row and column */
async function measureTable(stages: readonly Stage[]): Promise<unknown[]> {
  const results: Measured[] = [];
  for (const column of COLUMNS) results.push(await measure(column, stages));
  const titles = [
    ...ROWS.map(({ title }) => title),
    ...[...(results[0]?.keys() ?? [])].filter((title) => !ROWS.some((row) => row.title === title)).sort(),
  ].filter((title) => results[0]?.has(title));
  const head = { title: 'Fault', cells: COLUMNS.map(({ title }) => title) };
  const lines = titles.map((title) => ({ title, cells: results.map((column) => column.get(title)?.cell ?? '') }));
  out.write(`${markdownTable(head, lines)}\n`);
  return titles.map((title) => ({
    title,
    ...Object.fromEntries(COLUMNS.map((column, place) => [column.title, results[place]?.get(title)?.measured])),
  }));
}

await main();
// The adapters leave recovery timers behind, so the process must be ended explicitly.
out.end(() => process.exit());
