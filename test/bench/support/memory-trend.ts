// How much memory a worker's parent holds as calls come and go, and whether it grows with them.
import type { SpawnedWorker } from '../../support/spawn-worker.ts';
import { costOf } from './process-cost.ts';

export interface MemorySample {
  /** Calls that had ended. */
  readonly calls: number;
  readonly megabytes: number;
}

export interface MemoryTrend {
  /** After a full collection. */
  readonly heap: readonly MemorySample[];
  /** Of the whole process, pages that are its own. */
  readonly own: readonly MemorySample[];
}

/** A process settles while its first calls come. */
const SETTLED_AFTER = 0.25;
/** With fewer samples no trend can be told from chance. */
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

/** Of the line through the samples once the process had settled, in MB; undefined where they are too few. */
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
