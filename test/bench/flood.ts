// `pnpm bench:flood`: two callers talk while a stranger asks the worker for its page and API 300 times a second.
import '../../src/livekit/quiet-rtc.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { loadClip } from '../../fixtures/audio/clips.ts';
import { markThroughout } from '../../fixtures/tones.ts';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { measureTurn } from '../../src/livekit/voice-to-voice.ts';
import { freeTcpPorts, startTestServer } from '../rooms/support/server.ts';
import { spawnMain } from '../support/spawn-main.ts';
import { quantile, table } from './support/contest.ts';
import { PER_SECOND } from './support/flood-thread.ts';
import { environmentOf, startVendors } from './support/room-faults.ts';
import { interruptible, wholeNumber } from './support/run-options.ts';

const HELP = `Usage: pnpm bench:flood [--minutes N]

Two calls over fixture vendors that answer at once, while a stranger asks for the page and the API ${PER_SECOND} times a second in every second half
minute; the other half minutes are quiet. The ratio of the callers' waits is the measure.

  --minutes N  of flood, and as many without; 1 where absent
  --help       this text
`;
const CALLS = 2;
const PHASE_MS = 30_000;
const TOKEN = 'the-token-of-a-benchmark';
const ANSWERED_WITHIN_MS = 15_000;

type Phase = 'quiet' | 'flood';

async function flooded(port: number, ms: number, signal: AbortSignal): Promise<Record<string, number>> {
  const worker = new Worker(new URL('./support/flood-thread.ts', import.meta.url), { workerData: port });
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  const told = new Promise<Record<string, number>>((resolve) => worker.once('message', resolve));
  worker.postMessage('stop');
  const statuses = await told;
  await worker.terminate();
  return statuses;
}

async function talk(caller: Caller, words: readonly number[]): Promise<number | undefined> {
  const { samples, sampleRateHz } = loadClip('question');
  const marked = markThroughout(samples, sampleRateHz, words);
  const said = await caller.speak(marked, sampleRateHz);
  if (!said) return undefined;
  await caller.waitForAgentToFinish({ sinceMs: said.lastVoicedMs, quietMs: 800, timeoutMs: ANSWERED_WITHIN_MS });
  return measureTurn(said, caller.agentSpans(said.firstVoicedMs)).voiceToVoiceMs;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rounds = wholeNumber('--minutes', values.minutes, 1) * 2;
  await interruptible((signal) => measure(rounds, signal));
}

async function measure(rounds: number, signal: AbortSignal): Promise<void> {
  const server = await startTestServer();
  const vendors = await startVendors(undefined, [[20], [21]]);
  const [port] = (await freeTcpPorts(1)) as [number];
  const application = spawnMain({
    args: ['--no-open', '--port', `${port}`],
    env: {
      LIVEKIT_URL: server.url,
      LIVEKIT_API_KEY: server.apiKey,
      LIVEKIT_API_SECRET: server.apiSecret,
      HTTP_TOKEN: TOKEN,
      PUBLIC_URL: 'https://talk.example.com',
      ...environmentOf(vendors),
    },
  });
  const waits: Record<Phase, number[]> = { quiet: [], flood: [] };
  const statuses: Record<string, number> = {};
  let unanswered = 0;
  const callers: Caller[] = [];
  try {
    await application.says(/ready: talk at/);
    for (let call = 0; call < CALLS; call += 1) {
      const response = await fetch(`http://127.0.0.1:${port}/api/calls`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
        body: '{}',
      });
      if (!response.ok) throw new Error(`no call: ${await response.text()}`);
      const caller = await joinAsCaller((await response.json()) as { url: string; token: string });
      callers.push(caller);
      if (!(await caller.waitForAgent(60_000))) throw new Error(`no agent came:\n${application.output()}`);
      await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: ANSWERED_WITHIN_MS });
    }
    for (let round = 0; round < rounds * 2 && !signal.aborted; round += 1) {
      const phase: Phase = round % 2 === 0 ? 'quiet' : 'flood';
      const asking = phase === 'flood' ? flooded(port, PHASE_MS, signal) : sleep(PHASE_MS, {}, { signal });
      let isOver = false;
      const ended = asking
        .then((counts) => {
          for (const [status, count] of Object.entries(counts))
            statuses[status] = (statuses[status] ?? 0) + Number(count);
        })
        .finally(() => {
          isOver = true;
        });
      await Promise.all([
        ended,
        ...callers.map(async (caller, place) => {
          for (let turn = 0; !isOver; turn += 1) {
            const waitMs = await talk(caller, [(turn * 2 + place) % 18, (turn * 2 + place + 5) % 18]);
            if (waitMs === undefined) unanswered += 1;
            else waits[phase].push(Math.round(waitMs));
          }
        }),
      ]);
      process.stderr.write(`${phase}: ${waits[phase].length} turns, median ${quantile(waits[phase], 0.5)} ms\n`);
    }
  } finally {
    for (const caller of callers) await caller.leave();
    application.kill('SIGINT');
    await application.exited;
    await Promise.all(Object.values(vendors).map((vendor) => vendor.close()));
    await server.stop();
  }
  const line = (phase: Phase) => [
    phase,
    `${waits[phase].length}`,
    `${quantile(waits[phase], 0.5)} ms`,
    `${quantile(waits[phase], 0.95)} ms`,
  ];
  const ratio = (share: number) => (quantile(waits.flood, share) / quantile(waits.quiet, share)).toFixed(2);
  const head = ['', 'turns', 'voice to voice, median', 'p95'];
  process.stdout.write(
    `${table([head, line('quiet'), line('flood'), ['flood / quiet', '', ratio(0.5), ratio(0.95)]])}\n` +
      `${unanswered} turns unanswered; the stranger was answered ${JSON.stringify(statuses)}\n`,
  );
}

await main();
process.exit();
