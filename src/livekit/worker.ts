// The LiveKit worker: takes calls from the server and gives each a process of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AgentServer, initializeLogger, ServerOptions } from '@livekit/agents';
import type { Config } from '../config/schema.ts';
import { UserError } from '../config/user-error.ts';
import { systemClock } from '../failover/clock.ts';
import { Admission } from './admission.ts';
import { keepWordsOutOfLog } from './private-log.ts';
import { Readiness } from './readiness.ts';

export interface WorkerOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly apiSecret: string;
  /** File whose default export is a LiveKit agent definition; loaded by each call process. */
  readonly jobFile: URL;
  readonly limits: Config['worker'];
  /** With a name, calls come by explicit dispatch only; without, every room of the server is served. */
  readonly agentName?: string | undefined;
  /** Level of LiveKit's own log. */
  readonly logLevel?: string;
  readonly prettyLog?: boolean;
  /** Called when a call is left to other workers, as all places are taken. */
  readonly onRefused?: (room: string) => void;
  /** Called when a call process ended before it was loaded. */
  readonly onLoadFailed?: (how: string) => void;
}

export interface CallWorker {
  /** Resolves when the server has registered the worker and a call process is loaded; rejects when the worker failed before. */
  readonly ready: Promise<void>;
  /** Resolves when the worker was closed; rejects when it failed. */
  readonly ended: Promise<void>;
  activeCalls(): number;
  /** Takes a place for a caller who gets a token to the room; false when all places are taken, or no new call is accepted. */
  expect(room: string): boolean;
  /** Why no call would be answered now; empty when one would. */
  troubles(): readonly string[];
  /** Takes no new call and resolves when the running ones have ended, at the latest after `limits.drainMs`. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Load of a full worker, just below the server's target load (0.7 by default), from which on the server gives it no job. */
const FULL_LOAD = 0.69;
const LOOK_AGAIN_MS = 100;
/** How long a worker that stops waits for processes of calls that it has just accepted. */
const STARTING_MS = 20_000;
const MEGABYTES_WARN = 0.8;
/** After this many failed loads of call processes in a row the worker gives up, as the next one would fail too. */
const LOAD_FAILURES = 3;

export function startWorker(options: WorkerOptions): CallWorker {
  initializeLogger({ pretty: options.prettyLog ?? false, level: options.logLevel ?? 'warn' });
  keepWordsOutOfLog();
  const { maxCalls, warmProcesses, drainMs, callMegabytes } = options.limits;
  const admission = new Admission({
    maxCalls,
    running: () => server.activeJobs.map(({ job }) => ({ jobId: job.id, room: job.room?.name ?? '' })),
    clock: systemClock,
    onRefused: options.onRefused ?? (() => undefined),
  });
  let giveUp: (error: Error) => void = () => undefined;
  const hopeless = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  hopeless.catch(() => undefined);
  let isEnding = false;
  let isDraining = false;
  const readiness = new Readiness({
    clock: systemClock,
    running: () => server.activeJobs.length,
    onLoadFailed: (inRow, how) => {
      if (isEnding) return;
      options.onLoadFailed?.(how);
      if (inRow < LOAD_FAILURES) return;
      giveUp(
        new UserError(
          `${inRow} call processes in a row ended while they were loading (${how})`,
          'read what they wrote above',
        ),
      );
    },
  });
  const server: AgentServer = new AgentServer(
    new ServerOptions({
      requestFunc: (job) => (isDraining ? job.reject() : admission.request(job)),
      jobMemoryLimitMB: callMegabytes,
      jobMemoryWarnMB: callMegabytes * MEGABYTES_WARN,
      agent: fileURLToPath(options.jobFile),
      wsURL: options.url,
      apiKey: options.apiKey,
      apiSecret: options.apiSecret,
      agentName: options.agentName ?? '',
      // The load is the share of calls: by default it is the machine's load, so a busy machine would get no call at all.
      loadFunc: async (worker) => {
        readiness.heard();
        return admission.hasAllCalls ? 1 : (worker.activeJobs.length / maxCalls) * FULL_LOAD;
      },
      loadThreshold: 0.7,
      numIdleProcesses: warmProcesses,
      // Models may load slowly on a busy machine.
      initializeProcessTimeout: 120_000,
      drainTimeout: drainMs,
      // The worker waits for a server that restarts without a time limit.
      maxRetry: Number.MAX_SAFE_INTEGER,
      host: '127.0.0.1',
    }),
  );
  const registered = new Promise<void>((resolve) => {
    server.event.on('worker_registered', () => {
      readiness.registered();
      resolve();
    });
  });
  const run = server.run();
  const ended = Promise.race([run, hopeless]);
  return {
    ready: Promise.race([Promise.all([registered, readiness.loaded]), ended]).then(() => undefined),
    ended,
    activeCalls: () => server.activeJobs.length,
    expect: (room) => !isDraining && admission.expect(room),
    troubles: () => [
      ...(isDraining ? ['the worker is stopping: it takes no new call'] : readiness.troubles()),
      ...(admission.isFull ? [`all ${maxCalls} calls of this worker are taken`] : []),
    ],
    drain: async () => {
      isDraining = true;
      const untilMs = systemClock.now() + drainMs;
      const until = async (isOver: () => boolean, withinMs = drainMs) => {
        const giveUpMs = Math.min(untilMs, systemClock.now() + withinMs);
        while (!isOver() && systemClock.now() < giveUpMs) await sleep(LOOK_AGAIN_MS);
      };
      // LiveKit gives a call that was accepted just before to a process that it closes.
      await until(() => admission.starting === 0, STARTING_MS);
      // It also rejects at once where a process was not started yet, while calls run.
      await server.drain().catch(() => undefined);
      await until(() => server.activeJobs.length === 0);
    },
    close: () => {
      isEnding = true;
      readiness.close();
      return closeServer(server, run);
    },
  };
}

/**
 * A server that is still starting takes `close()` for a repeated call and waits for an end that never comes. So `close()`
 * is called again until the server has ended.
 */
async function closeServer(server: AgentServer, ended: Promise<void>): Promise<void> {
  let isOver = false;
  const over = ended
    .catch(() => undefined)
    .then(() => {
      isOver = true;
    });
  while (!isOver) {
    void server.close().catch(() => undefined);
    await Promise.race([over, sleep(LOOK_AGAIN_MS)]);
  }
}
