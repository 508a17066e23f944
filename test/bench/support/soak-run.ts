// Many calls with faults, interruptions and hang-ups by a seed: which promise broke in which call, how the parents' memory went, and
// what was left at the end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpawnedWorker } from '../../support/spawn-worker.ts';
import type { MeasuredCall } from './call-outcome.ts';
import { type CallPlan, type Mode, planCall } from './call-plan.ts';
import { eachOf, startCallRunner } from './call-runner.ts';
import { brokenPromises } from './call-summary.ts';
import { growthPer100Calls, type MemoryTrend, sampleMemory } from './memory-trend.ts';
import { callProcesses } from './process-cost.ts';
import { tracesLeft, tracesNow } from './process-traces.ts';

export interface SoakOptions {
  readonly calls: number;
  readonly seed: number;
  readonly atOnce: number;
  readonly mode?: Mode | undefined;
  /** Runs only the call of this number. */
  readonly only?: number | undefined;
  readonly signal?: AbortSignal;
  readonly onCall?: (plan: CallPlan, broken: readonly string[]) => void;
}

export interface BrokenCall {
  readonly plan: CallPlan;
  readonly promises: readonly string[];
}

export interface SoakResult {
  readonly calls: readonly MeasuredCall[];
  readonly broken: readonly BrokenCall[];
  /** The memory trend of each worker's parent process. */
  readonly memory: readonly MemoryTrend[];
  /** Promises about the run as a whole that broke. */
  readonly wrong: readonly string[];
}

/** More than this is a leak, in MB of heap for 100 calls. */
const MOST_GROWTH_MB = 2;
/** Processes that wait for a call. */
const WARM_PROCESSES = 1;
const CALLS_END_WITHIN_MS = 20_000;

export async function soak({
  calls: count,
  seed,
  atOnce,
  mode,
  only,
  signal,
  onCall,
}: SoakOptions): Promise<SoakResult> {
  const plans = Array.from({ length: count }, (_, index) =>
    planCall({ seed, mode, hasFaults: true, isRude: true }, index),
  ).filter(({ index }) => only === undefined || index === only);
  const calls: MeasuredCall[] = [];
  const broken: BrokenCall[] = [];
  const memory = new Map<SpawnedWorker, MemoryTrend>();
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-soak-'));
  const { TMPDIR } = process.env;
  // All that the run starts puts its temporary files there.
  process.env.TMPDIR = directory;
  const before = tracesNow(directory);
  const wrong: string[] = [];
  try {
    const runner = await startCallRunner({ signal });
    try {
      await eachOf(plans, atOnce, async (plan) => {
        const promises: string[] = [];
        try {
          const call = await runner.call('ours', plan);
          calls.push(call);
          promises.push(...brokenPromises(call));
        } catch (error) {
          signal?.throwIfAborted();
          promises.push((error as Error).message);
        }
        if (promises.length > 0) broken.push({ plan, promises });
        onCall?.(plan, promises);
        for (const worker of runner.workers()) {
          const trend = memory.get(worker) ?? { heap: [], own: [] };
          memory.set(worker, await sampleMemory(worker, calls.length, trend));
        }
      });
      wrong.push(...(await callsThatGoOn(runner.workers())));
    } finally {
      await runner.stop();
    }
    wrong.push(...(await tracesLeft(before, directory)).map((left) => `left behind: ${left}`));
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(directory, { recursive: true, force: true });
  }
  wrong.push(...[...memory.values()].flatMap(growthOf));
  return { calls, broken, memory: [...memory.values()], wrong };
}

/** Reports call processes that go on, because a call's process must end with the call. */
async function callsThatGoOn(workers: readonly SpawnedWorker[]): Promise<string[]> {
  const more = () => workers.reduce((sum, { pid }) => sum + Math.max(0, callProcesses(pid).length - WARM_PROCESSES), 0);
  const endMs = performance.now() + CALLS_END_WITHIN_MS;
  while (more() > 0 && performance.now() < endMs) await sleep(200);
  return more() > 0 ? [`${more()} call processes go on without a call`] : [];
}

function growthOf({ heap }: MemoryTrend): string[] {
  const growth = growthPer100Calls(heap) ?? 0;
  return growth > MOST_GROWTH_MB ? [`a parent's heap grows by ${growth.toFixed(1)} MB in 100 calls`] : [];
}
