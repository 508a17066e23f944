// The LiveKit worker: takes calls from the server and gives each a process of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AgentServer, initializeLogger, ServerOptions } from '@livekit/agents';
import type { Config } from '../config/schema.ts';
import { keepWordsOutOfLog } from './private-log.ts';

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
}

export interface CallWorker {
  /** Resolves when the server has registered the worker; rejects when it broke before. */
  readonly ready: Promise<void>;
  /** Resolves when the worker was closed; rejects when it broke. */
  readonly ended: Promise<void>;
  activeCalls(): number;
  isRegistered(): boolean;
  /** Takes no new call and resolves when the running ones have ended, at the latest after `limits.drainMs`. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** The server gives no job to a worker at or above its own target load, 0.7 by default. */
const FULL_LOAD = 0.69;
const CLOSE_AGAIN_MS = 100;

export function startWorker(options: WorkerOptions): CallWorker {
  initializeLogger({ pretty: options.prettyLog ?? false, level: options.logLevel ?? 'warn' });
  keepWordsOutOfLog();
  const { maxCalls, warmProcesses, drainMs } = options.limits;
  const server = new AgentServer(
    new ServerOptions({
      agent: fileURLToPath(options.jobFile),
      wsURL: options.url,
      apiKey: options.apiKey,
      apiSecret: options.apiSecret,
      agentName: options.agentName ?? '',
      // By calls: the default counts the machine's load, so a busy machine would get no call at all.
      loadFunc: async (worker) =>
        worker.activeJobs.length >= maxCalls ? 1 : (worker.activeJobs.length / maxCalls) * FULL_LOAD,
      loadThreshold: 0.7,
      numIdleProcesses: warmProcesses,
      // Models may load slowly on a busy machine.
      initializeProcessTimeout: 120_000,
      drainTimeout: drainMs,
      // A server that restarts is awaited for as long as it takes.
      maxRetry: Number.MAX_SAFE_INTEGER,
      host: '127.0.0.1',
    }),
  );
  let isRegistered = false;
  const registered = new Promise<void>((resolve) => {
    server.event.once('worker_registered', () => {
      isRegistered = true;
      resolve();
    });
  });
  const ended = server.run();
  return {
    ready: Promise.race([registered, ended.then(() => undefined)]),
    ended,
    activeCalls: () => server.activeJobs.length,
    isRegistered: () => isRegistered,
    drain: () => server.drain(),
    close: () => closeServer(server, ended),
  };
}

/**
 * A server that is still starting takes `close()` for a repeated one: it waits for the end that nobody brings about. So
 * it is told until it has ended.
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
    await Promise.race([over, sleep(CLOSE_AGAIN_MS)]);
  }
}
