// `pnpm bench:normal`: calls in a real room while every vendor is merely normal, beside the official plugins alone in the same run;
// or with one fault in each.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { MeasuredCall } from './support/call-outcome.ts';
import { describePlan, MODES, type Mode, planCall } from './support/call-plan.ts';
import { eachOf, type Party, startCallRunner } from './support/call-runner.ts';
import { brokenPromises, falseAlarms, summarise } from './support/call-summary.ts';
import { markdownTable } from './support/failover-table.ts';
import { type Measured, normalLines } from './support/normal-table.ts';
import { interruptible, wholeNumber } from './support/run-options.ts';

const HELP = `Usage: pnpm bench:normal [--calls N] [--seed S] [--mode MODE] [--only N] [--faults]
                         [--at-once N] [--json FILE]

Holds calls of 3 to 6 turns in a real room over fixture vendors that behave as real ones do: normal latencies and habits, by a
seed. Each call is held with Bulletproof and with the official plugins alone. Counts the words that were lost or came twice, at
the caller's ear and in the conversation, and every false alarm: switches, failures, extra connections and requests.

  --calls N    so many at each party; 50 where absent: half an hour on two cores
  --seed S     of vendors' habits, turns and faults; 1 where absent
  --mode MODE  only ${MODES.join(' or ')}
  --only N     only call N of the run
  --faults     one fault in each call, at any stage and moment, and Bulletproof alone: the plugins have no other link
  --at-once N  so many calls at once; as many as there are cores where absent
  --json FILE  also write every call there
  --help       this text
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      calls: { type: 'string' },
      seed: { type: 'string' },
      mode: { type: 'string' },
      only: { type: 'string' },
      faults: { type: 'boolean' },
      'at-once': { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const seed = wholeNumber('--seed', values.seed, 1);
  const mode = values.mode as Mode | undefined;
  if (mode && !MODES.includes(mode)) throw new RangeError(`--mode takes ${MODES.join(' or ')}, got ${mode}`);
  const plans = Array.from({ length: wholeNumber('--calls', values.calls, 50) }, (_, index) =>
    planCall({ seed, mode, hasFaults: values.faults ?? false }, index),
  ).filter(({ index }) => values.only === undefined || index === Number(values.only));
  const parties: readonly Party[] = values.faults ? ['ours'] : ['ours', 'plugins alone'];
  const work = plans.flatMap((plan) => parties.map((party) => ({ plan, party })));
  const measured = new Map<Party, MeasuredCall[]>(parties.map((party) => [party, []]));
  process.stderr.write(`seed ${seed}, ${plans.length} calls\n`);

  await interruptible(async (signal) => {
    const runner = await startCallRunner({ signal, sharesHealth: !values.faults });
    try {
      await eachOf(
        work,
        wholeNumber('--at-once', values['at-once'], availableParallelism()),
        async ({ plan, party }) => {
          const call = await runner.call(party, plan);
          measured.get(party)?.push(call);
          const wrong = [...brokenPromises(call), ...(values.faults ? [] : falseAlarms(call))];
          process.stderr.write(`${party}: ${describePlan(plan)}: ${wrong.join('; ') || 'all well'}\n`);
        },
      );
    } finally {
      await runner.stop();
    }
  });

  const columns = MODES.filter((held) => plans.some((plan) => plan.mode === held)).flatMap((held) =>
    parties.map((party): Measured => {
      const of = (who: Party) => summarise((measured.get(who) ?? []).filter(({ plan }) => plan.mode === held));
      const beside = party === 'ours' && parties.length > 1 ? of('plugins alone') : undefined;
      return { title: `${held}, ${party}`, summary: of(party), beside };
    }),
  );
  const head = { title: `Seed ${seed}`, cells: columns.map(({ title }) => title) };
  process.stdout.write(`${markdownTable(head, normalLines(columns))}\n`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(Object.fromEntries(measured), null, 2)}\n`);
}

await main();
process.exit();
