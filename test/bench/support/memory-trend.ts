// How much memory a worker's parent holds as calls come and go, and whether it grows with them.
import type { SpawnedWorker } from '../../support/spawn-worker.ts';
import { costOf } from './process-cost.ts';

export interface MemorySample {
  /** How many calls had ended. */
  readonly calls: number;
  readonly megabytes: number;
}

export interface MemoryTrend {
  /** Used heap after a full collection. */
  readonly heap: readonly MemorySample[];
  /** Private pages of the whole process. */
  readonly own: readonly MemorySample[];
}

/** Share of the samples that is left out at the start: a process settles during its first calls. */
const SETTLED_AFTER = 0.25;
/** With fewer samples a trend can't be distinguished from chance. */
export const LEAST_SAMPLES = 20;

export async function sampleMemory(worker: SpawnedWorker, calls: number, trend: MemoryTrend): Promise<MemoryTrend> {
  const count = () => [...worker.output().matchAll(/^heap ([\d.]+) MB$/gm)].map(([, megabytes]) => Number(megabytes));
  const before = count().length;
  process.kill(worker.pid, 'SIGUSR2');
  for (let tries = 0; tries < 50 && count().length === before; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const megabytes = count().at(-1);
  return {
    heap: megabytes === undefined ? trend.heap : [...trend.heap, { calls, megabytes }],
    own: [...trend.own, { calls, megabytes: costOf(worker.pid).ownMemoryMb }],
  };
}

/** Slope of the line through the samples after the process has settled, in MB for 100 calls; undefined for too few samples. */
export function growthPer100Calls(samples: readonly MemorySample[]): number | undefined {
  const settled = samples.slice(Math.floor(samples.length * SETTLED_AFTER));
  if (settled.length < LEAST_SAMPLES) return undefined;
  const mean = (of: (sample: MemorySample) => number) =>
    settled.reduce((sum, sample) => sum + of(sample), 0) / settled.length;
  const [calls, megabytes] = [mean((sample) => sample.calls), mean((sample) => sample.megabytes)];
  const covariance = mean((sample) => (sample.calls - calls) * (sample.megabytes - megabytes));
  const variance = mean((sample) => (sample.calls - calls) ** 2);
  return variance === 0 ? undefined : (100 * covariance) / variance;
}
