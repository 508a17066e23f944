// `pnpm soak`: many calls in real rooms over vendors at real behaviour, with faults, interruptions and hang-ups by a seed; fails when
// a promise broke.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { describePlan, MODES, type Mode } from './support/call-plan.ts';
import { interruptible, wholeNumber } from './support/run-options.ts';
import { type SoakResult, soak } from './support/soak-run.ts';
import { soakTable } from './support/soak-table.ts';

const HELP = `Usage: pnpm soak [--calls N] [--seed S] [--at-once N] [--only N] [--mode MODE] [--json FILE]

Holds calls in real rooms over fixture vendors that behave as real ones do. In each something fails, at any stage and moment; some
callers interrupt or hang up. Everything comes from the seed. Fails when a call was dropped, a word was lost or came twice, the
parents' memory grew, or a process, socket or file was left.

  --calls N    200 where absent: an hour on two cores
  --seed S     a new one where absent
  --at-once N  as many as there are cores where absent: more starve the machine, and words are torn on their way
  --only N     only call N of the run, to hold it again
  --mode MODE  only ${MODES.join(' or ')}
  --json FILE  also write every call there
  --help       this text
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string' },
      seed: { type: 'string' },
      'at-once': { type: 'string' },
      only: { type: 'string' },
      mode: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const seed = wholeNumber('--seed', values.seed, 1 + (Date.now() % 99_999));
  const calls = wholeNumber('--calls', values.calls, 200);
  const mode = values.mode as Mode | undefined;
  if (mode && !MODES.includes(mode)) throw new RangeError(`--mode takes ${MODES.join(' or ')}, got ${mode}`);
  process.stderr.write(`seed ${seed}, ${calls} calls\n`);
  let done = 0;
  let result: SoakResult | undefined;
  await interruptible(async (signal) => {
    result = await soak({
      calls,
      seed,
      mode,
      atOnce: wholeNumber('--at-once', values['at-once'], availableParallelism()),
      only: values.only === undefined ? undefined : Number(values.only),
      signal,
      onCall: (plan, broken) => {
        done += 1;
        process.stderr.write(`${done}: ${describePlan(plan)}: ${broken.join('; ') || 'all well'}\n`);
      },
    });
  });
  if (!result) return;
  process.stdout.write(`${soakTable(result)}\n`);
  for (const { plan, promises } of result.broken) {
    const again = `pnpm soak --calls ${calls} --seed ${seed}${mode ? ` --mode ${mode}` : ''} --only ${plan.index}`;
    process.stdout.write(`${describePlan(plan)}: ${promises.join('; ')}\n  again: ${again}\n`);
  }
  for (const wrong of result.wrong) process.stdout.write(`${wrong}\n`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  if (result.broken.length > 0 || result.wrong.length > 0) process.exitCode = 1;
}

await main();
process.exit();
