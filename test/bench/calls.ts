// `pnpm bench:calls`: what a call costs in CPU and memory, beside a plain LiveKit agent; providers answer at once.
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadClip } from '../../fixtures/audio/clips.ts';
import type { Caller } from '../../src/livekit/caller.ts';
import { CONTESTANTS, type Contestant, quantile, startContest, table } from './support/contest.ts';
import { callProcesses, costOf, type ProcessCost } from './support/process-cost.ts';

const ROUNDS = Number(process.argv[2] ?? 4);
const TALK_MS = 10_000;

interface Sample {
  /** Share of one core during the talk. */
  readonly core: number;
  readonly ownMemoryMb: number;
}

/** For ten seconds, the caller speaks and the agent answers, over and over. */
async function talk(caller: Caller): Promise<void> {
  const { samples, sampleRateHz } = loadClip('question');
  const endMs = caller.nowMs() + TALK_MS;
  while (caller.nowMs() < endMs) {
    await caller.speak(samples, sampleRateHz);
    await caller.waitUntil(() => caller.nowMs() >= endMs, Math.min(2_000, Math.max(0, endMs - caller.nowMs())));
  }
}

async function measure(contestant: Contestant, caller: Caller): Promise<Sample> {
  const { pid } = contest.workers[contestant];
  const costs = () => new Map(callProcesses(pid).map((child) => [child, costOf(child)]));
  const before = costs();
  const from = performance.now();
  await talk(caller);
  const seconds = (performance.now() - from) / 1_000;
  // The call's process is the busiest one; the others are warm and idle.
  const spent = (after: ProcessCost) => after.cpuSeconds - (before.get(after.pid)?.cpuSeconds ?? after.cpuSeconds);
  const busiest = [...costs().values()].toSorted((a, b) => spent(b) - spent(a))[0];
  if (!busiest) throw new Error(`no call process of ${contestant}`);
  return { core: spent(busiest) / seconds, ownMemoryMb: busiest.ownMemoryMb };
}

const contest = await startContest();
const samples: Record<Contestant, Sample[]> = { plain: [], ours: [] };
try {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contestant of round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed()) {
      const caller = await contest.join(contestant);
      const sample = await measure(contestant, caller);
      samples[contestant].push(sample);
      await caller.leave();
      process.stderr.write(
        `${contestant.padEnd(6)}${(sample.core * 100).toFixed(1)} % of a core  ${sample.ownMemoryMb.toFixed(0)} MB\n`,
      );
    }
  }
} finally {
  await contest.stop();
}

const medians = Object.fromEntries(
  CONTESTANTS.map((contestant) => [
    contestant,
    {
      core: quantile(
        samples[contestant].map(({ core }) => core),
        0.5,
      ),
      ownMemoryMb: quantile(
        samples[contestant].map(({ ownMemoryMb }) => ownMemoryMb),
        0.5,
      ),
    },
  ]),
) as Record<Contestant, Sample>;
const { plain, ours } = medians;
process.stdout.write(
  `${table([
    ['', 'CPU per call', 'own memory per call'],
    ['@livekit/agents 1.9.0', `${(plain.core * 100).toFixed(1)} % of a core`, `${plain.ownMemoryMb.toFixed(0)} MB`],
    ['bulletproof', `${(ours.core * 100).toFixed(1)} % of a core`, `${ours.ownMemoryMb.toFixed(0)} MB`],
    ['ours / plain', (ours.core / plain.core).toFixed(2), (ours.ownMemoryMb / plain.ownMemoryMb).toFixed(2)],
  ])}\n`,
);
mkdirSync('.bulletproof/bench', { recursive: true });
writeFileSync('.bulletproof/bench/calls.json', `${JSON.stringify({ medians, samples }, undefined, 2)}\n`);
process.exit(0);
