// `pnpm bench:cost`: what a chain costs for each frame over the bare provider, both in this process and on a clock that waits
// for nobody. Ends with 1 when ten calls at once would cost more than 2 % of a core.
import { FakeClock } from '../support/fake-clock.ts';
import { COST_STAGES, type CostStage, type Over } from './support/cost-stages.ts';
import { markdownTable } from './support/failover-table.ts';

const CALLS = 10;
const MOST_SHARE = 0.02;
const ROUNDS = Number(process.argv[2] ?? 7);
/** Frames of each call in a round. */
const FRAMES = 3_000;

interface Measured {
  readonly microseconds: number;
  readonly results: number;
}

/** CPU time in µs for one frame of one call, while ten calls run. */
async function run(stage: CostStage, over: Over): Promise<Measured> {
  const clock = new FakeClock();
  const uses = Array.from({ length: CALLS }, () => stage.start(clock, over));
  await clock.advance(stage.frameMs);
  const before = process.cpuUsage();
  for (let at = 0; at < FRAMES; at += 1) {
    for (const use of uses) use.step(at);
    await clock.advance(stage.frameMs);
  }
  const { user, system } = process.cpuUsage(before);
  await clock.advance(1_000);
  const results = uses.reduce((sum, use) => sum + use.results, 0);
  return { microseconds: (user + system) / (FRAMES * CALLS), results };
}

async function measure(stage: CostStage): Promise<Record<Over, number>> {
  const times: Record<Over, number[]> = { bare: [], chain: [] };
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const bare = await run(stage, 'bare');
    const chain = await run(stage, 'chain');
    if (Math.round(bare.results) !== Math.round(chain.results)) {
      throw new Error(`${stage.title}: ${bare.results} results bare, ${chain.results} through the chain`);
    }
    if (round === 0) continue;
    times.bare.push(bare.microseconds);
    times.chain.push(chain.microseconds);
  }
  return { bare: median(times.bare), chain: median(times.chain) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const lines: { title: string; cells: string[] }[] = [];
let total = 0;
for (const stage of COST_STAGES) {
  const { bare, chain } = await measure(stage);
  // Frames come once every `frameMs`; ten calls have ten times as many.
  const share = ((chain - bare) * CALLS) / (stage.frameMs * 1_000);
  total += share;
  const cells = [stage.frame, `${bare.toFixed(1)} µs`, `${chain.toFixed(1)} µs`, `${(share * 100).toFixed(2)} %`];
  lines.push({ title: stage.title, cells });
}
lines.push({ title: 'all three', cells: ['', '', '', `${(total * 100).toFixed(2)} %`] });
const head = { title: 'stage', cells: ['frame', 'bare', 'chain', '10 calls, of a core'] };
process.stdout.write(`${markdownTable(head, lines)}\n`);
process.exit(total > MOST_SHARE ? 1 : 0);
