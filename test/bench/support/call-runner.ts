// A LiveKit server, workers of those who are compared, and calls to them, several at once, each with vendors of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HealthServer, MemoryHealthBoard, serveHealthBoard } from '../../../src/index.ts';
import { CALLS_DIRECTORY } from '../../rooms/support/call-environment.ts';
import { startTestServer } from '../../rooms/support/server.ts';
import { type SpawnedWorker, spawnWorker } from '../../support/spawn-worker.ts';
import type { CallCase } from './call-case.ts';
import type { CallOutcome, MeasuredCall } from './call-outcome.ts';
import type { CallPlan, Mode } from './call-plan.ts';

export type Party = 'ours' | 'plugins alone' | 'plugins under adapters' | 'plugins under ours';

interface Job {
  readonly file: URL;
  readonly env: Readonly<Record<string, string>>;
}

const vendorsJob = new URL('../../rooms/support/vendors-job.ts', import.meta.url);
const realtimeJob = new URL('../../rooms/support/realtime-job.ts', import.meta.url);
const pluginsJob = new URL('./plugins-job.ts', import.meta.url);
const child = fileURLToPath(new URL('./call-case.ts', import.meta.url));

/** The free engines are last, as in the shipped configuration: a healthy vendor that is late must not be left for them. */
export const CHAINS = {
  stt: ['deepgram', 'google', 'free-stt'],
  llm: ['openrouter', 'openai', 'free-llm'],
  tts: ['cartesia', 'elevenlabs', 'free-tts'],
};

const under = (what: string): Job => ({ file: pluginsJob, env: { LINKS_UNDER: what } });
const JOBS: Readonly<Record<Mode, Partial<Record<Party, Job>>>> = {
  pipeline: {
    ours: { file: vendorsJob, env: { CHAINS: JSON.stringify(CHAINS) } },
    'plugins alone': under('nothing'),
    'plugins under adapters': under('adapters'),
    'plugins under ours': under('chains'),
  },
  'speech-to-speech': {
    ours: { file: realtimeJob, env: {} },
    'plugins alone': { file: realtimeJob, env: { PLUGIN_ALONE: 'yes' } },
  },
};

/** Time limit for one call, after which it counts as hung. */
const LONGEST_MS = 240_000;

export interface CallRunner {
  /** @throws Error when the call's process broke, or ran for four minutes */
  call(party: Party, plan: CallPlan): Promise<MeasuredCall>;
  /** The worker processes that run; each is started with its first call. */
  workers(): readonly SpawnedWorker[];
  stop(): Promise<void>;
}

export interface CallRunnerOptions {
  /** Ends the calls under way. */
  readonly signal?: AbortSignal | undefined;
  /** All calls of a worker share what they know of their vendors, as in the application; off if every call is to meet its fault anew. */
  readonly sharesHealth?: boolean;
}

export async function startCallRunner({ signal, sharesHealth }: CallRunnerOptions = {}): Promise<CallRunner> {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-bench-'));
  const toldFile = join(directory, 'told.jsonl');
  writeFileSync(toldFile, '');
  const server = await startTestServer();
  const { url, apiKey, apiSecret } = server;
  const access = { url, apiKey, apiSecret };
  const starting = new Map<string, Promise<SpawnedWorker>>();
  const started: SpawnedWorker[] = [];
  let calls = 0;

  const boards: HealthServer[] = [];

  const start = async (agentName: string, { file, env }: Job) => {
    const common = { LOG_FORMAT: 'json', LOG_LEVEL: 'info', TOLD_FILE: toldFile, [CALLS_DIRECTORY]: directory };
    const board = sharesHealth ? await serveHealthBoard({ board: new MemoryHealthBoard() }) : undefined;
    if (board) boards.push(board);
    const health = board && { HEALTH_SOCKET: board.socketPath };
    return spawnWorker(file, access, { env: { ...common, ...env, ...health }, agentName });
  };
  const workerOf = (name: string, job: Job) => {
    const worker = starting.get(name) ?? start(name, job);
    starting.set(name, worker);
    return worker.then((ready) => {
      if (!started.includes(ready)) started.push(ready);
      return ready;
    });
  };

  return {
    call: async (party, plan) => {
      const job = JOBS[plan.mode][party];
      if (!job) throw new RangeError(`${party} can't be held ${plan.mode}`);
      const agentName = `${party} ${plan.mode}`.replaceAll(' ', '_');
      const worker = await workerOf(agentName, job);
      calls += 1;
      const room = `${orderOf(plan)}-${party.replaceAll(' ', '_')}-${plan.index}-${calls}`;
      const outcome = await runCase(
        { plan, room, agentName, server: access, callsDirectory: directory, toldFile },
        signal,
      );
      return { ...outcome, plan, ...loggedOf(room, worker.output()) };
    },
    workers: () => started,
    stop: async () => {
      const workers = await Promise.allSettled(starting.values());
      await Promise.all(workers.map((worker) => worker.status === 'fulfilled' && worker.value.stop()));
      await Promise.all(boards.map((board) => board.close()));
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Such as "openai+gemini+pipeline": the call process of speech to speech makes its chain from it. */
function orderOf({ mode, first }: CallPlan): string {
  if (mode === 'pipeline') return mode;
  return [first, first === 'openai' ? 'gemini' : 'openai', 'pipeline'].join('+');
}

async function runCase(given: CallCase, signal?: AbortSignal): Promise<CallOutcome> {
  signal?.throwIfAborted();
  const running = spawn(process.execPath, [child, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const end = () => running.kill('SIGKILL');
  const timer = setTimeout(end, LONGEST_MS);
  signal?.addEventListener('abort', end);
  const [output, errors] = [running.stdout, running.stderr].map((stream) => {
    const pieces: string[] = [];
    stream.setEncoding('utf8').on('data', (text: string) => pieces.push(text));
    return pieces;
  }) as [string[], string[]];
  await once(running, 'close');
  clearTimeout(timer);
  signal?.removeEventListener('abort', end);
  signal?.throwIfAborted();
  const line = output.join('').trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`call ${given.plan.index} broke:\n${errors.join('').slice(-2_000)}`);
  return JSON.parse(line) as CallOutcome;
}

/** The events that only the call process's log has. */
function loggedOf(room: string, output: string): Pick<MeasuredCall, 'switches' | 'hedges'> {
  const events = output.split('\n').flatMap((line) => {
    if (!line.includes('"provider_switch"') && !line.includes('"provider_hedge"')) return [];
    const event = JSON.parse(line.slice(line.indexOf('{'))) as Record<string, string>;
    return event.room === room ? [event] : [];
  });
  const switches = events.filter(({ event }) => event === 'provider_switch');
  return {
    switches: switches.map(({ stage, from, to, kind }) => `${stage} ${from} → ${to} ${kind}`),
    hedges: events
      .filter(({ event }) => event === 'provider_hedge')
      .map(({ stage, late, provider, outcome }) => `${stage} ${late} beside ${provider} ${outcome}`),
  };
}

/** Works through the items in order, this many at once. */
export async function eachOf<Item>(items: readonly Item[], atOnce: number, work: (item: Item) => Promise<void>) {
  const left = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
