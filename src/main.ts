// The parent process: configuration → LiveKit server → talk page → worker, and the orderly end of all of them.
import './livekit/quiet-rtc.ts';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openOutbox } from './call/outbox.ts';
import { startResending } from './call/resend.ts';
import { followConfiguration } from './chains/follow-configuration.ts';
import { chainHealth } from './chains/health-report.ts';
import { type HealthService, startHealthService } from './chains/health-service.ts';
import { planStages } from './chains/plan.ts';
import { openInBrowser } from './cli/open-in-browser.ts';
import { HELP, type Options, parseOptions } from './cli/options.ts';
import { createProgress } from './cli/progress.ts';
import { announceHealthSocket, type Environment, passToChildren, readEnvironment } from './config/environment.ts';
import { loadConfig } from './config/load.ts';
import { agentsDirectory, configFile, jobFile, projectDirectory, stateDirectory } from './config/paths.ts';
import type { Persona } from './config/persona.ts';
import { loadPersonas } from './config/personas.ts';
import type { Config } from './config/schema.ts';
import { describeError, UserError } from './config/user-error.ts';
import { type Demo, startDemo } from './demo.ts';
import { systemClock } from './failover/clock.ts';
import { type PageAccess, pageAccess } from './http/leave.ts';
import { type HttpServer, startHttp } from './http/server.ts';
import { createCallAccess } from './livekit/call-access.ts';
import { accessServer, refusePublishedKey, type ServerAccess } from './livekit/server-access.ts';
import { type CallWorker, startWorker } from './livekit/worker.ts';
import { findOllama } from './llm/providers/local.ts';
import { createLogger, type Logger, wantsPretty } from './telemetry/log.ts';
import { startupReport } from './telemetry/startup-report.ts';

interface Setup {
  readonly options: Options;
  readonly env: Environment;
  readonly config: Config;
  readonly personas: ReadonlyMap<string, Persona>;
  readonly defaultPersona: string;
  readonly log: Logger;
  readonly pretty: boolean;
  readonly demo: Demo | undefined;
  /** Who may use the talk page. */
  readonly access: PageAccess;
}

const LOOPBACK = '127.0.0.1';

type Cleanup = () => Promise<unknown>;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const cleanups: Cleanup[] = [];
  const signals = listenForSignals();
  try {
    return await serve(await prepare(options, signals.ending, cleanups), signals, cleanups);
  } catch (error) {
    if (signals.ending.aborted) return signals.exitCode();
    throw error;
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup().catch(() => undefined);
  }
}

async function prepare(options: Options, signal: AbortSignal, cleanups: Cleanup[]): Promise<Setup> {
  const given = readEnvironment(process.cwd());
  const access = pageAccess(given.HTTP_HOST ?? LOOPBACK, given);
  const config = loadConfig(configFile);
  const defaultPersona = options.persona ?? given.PERSONA ?? config.persona.default;
  const personas = await loadPersonas(fileURLToPath(agentsDirectory), defaultPersona);
  const pretty = wantsPretty(given.LOG_FORMAT);
  const log = createLogger({ level: given.LOG_LEVEL, pretty });
  const found = given.LOCAL_LLM_BASE_URL ? undefined : (await findOllama(undefined, signal))?.baseUrl;
  const demo = options.demo ? await startDemo(projectDirectory, given.HTTP_HOST) : undefined;
  if (demo) cleanups.push(() => demo.close());
  const env: Environment = {
    ...given,
    ...(found && { LOCAL_LLM_BASE_URL: found }),
    // No Redis in the demonstration: other workers must not learn of its outages.
    ...(demo && { ...demo.env, REDIS_URL: undefined }),
  };
  // Call processes read the same environment.
  passToChildren({ ...demo?.env, PERSONA: defaultPersona, LOCAL_LLM_BASE_URL: found });
  return { options, env, config, personas, defaultPersona, log, pretty, demo, access };
}

async function serve(setup: Setup, signals: Signals, cleanups: Cleanup[]): Promise<number> {
  const { options, env, config, log } = setup;
  const { ending } = signals;
  const plan = planStages(config, env);
  for (const line of startupReport([plan.stt, plan.llm, plan.tts, plan.realtime])) log.info({ event: 'chain' }, line);

  const { show, clear } = createProgress(process.stderr);
  const access = accessServer({ root: projectDirectory, env, log, signal: ending, onProgress: show });
  const server = await access.finally(clear);
  cleanups.push(() => server.stop());
  if (!setup.access.loopbackOnly || setup.access.publicUrl) refusePublishedKey(server);
  const health = await startHealthService(plan, config, env, log, server.apiSecret);
  cleanups.push(() => health.close());
  announceHealthSocket(health.socketPath);
  const following = followConfiguration(health, log);
  cleanups.push(async () => following.stop());
  const worker = startCalls(setup, server);
  cleanups.push(() => worker.close());
  const outbox = openOutbox(join(stateDirectory, 'outbox'));
  const { personas } = setup;
  const stopResending = startResending({ outbox, personas, env: () => env, clock: systemClock, log });
  cleanups.push(async () => stopResending());
  const http = await startPage(setup, server, worker, health);
  cleanups.push(() => http.close());

  await untilAborted(ending, worker.ready);
  signals.serving();
  log.info({ event: 'ready', url: http.url }, `ready: talk at ${http.url} (Ctrl-C ends it)`);
  if (options.open) openInBrowser(http.url);
  return untilEnd(setup, signals, server, worker);
}

function startCalls({ env, config, pretty, log }: Setup, server: ServerAccess): CallWorker {
  return startWorker({
    ...server,
    jobFile,
    limits: config.worker,
    agentName: env.AGENT_NAME,
    // LiveKit's debug lines are for developers of its own code.
    logLevel: env.LOG_LEVEL === 'debug' || env.LOG_LEVEL === 'trace' ? env.LOG_LEVEL : 'warn',
    prettyLog: pretty,
    onRefused: (room) =>
      log.warn(
        { event: 'call_refused', room },
        `a call was left to other workers: all ${config.worker.maxCalls} places are taken`,
      ),
    onLoadFailed: (how) =>
      log.error({ event: 'call_process_failed', reason: how }, `a call process ended while it was loading (${how})`),
  });
}

function startPage(setup: Setup, server: ServerAccess, worker: CallWorker, health: HealthService): Promise<HttpServer> {
  const { options, env, log, personas, defaultPersona, demo, access } = setup;
  return startHttp({
    host: env.HTTP_HOST ?? LOOPBACK,
    port: options.port,
    access,
    log,
    deps: {
      personas: [...personas.values()].map(({ id, title, description, languages, mode = 'pipeline', publicModes }) => {
        return {
          id,
          title,
          description,
          languages,
          isDefault: id === defaultPersona,
          mode,
          ...(publicModes && { publicModes }),
        };
      }),
      createCall: createCallAccess({ ...server, agentName: env.AGENT_NAME, expect: (room) => worker.expect(room) }),
      health: () => {
        const reasons = worker.troubles();
        return { live: true, ready: reasons.length === 0, reasons };
      },
      livekitUrl: server.url,
      providers: () => chainHealth(health.plan, health.links, health.board.all(), systemClock.now()),
      ...(demo && { demo }),
    },
  });
}

/** @throws UserError when a LiveKit server that we started ends by itself */
async function untilEnd({ log }: Setup, signals: Signals, server: ServerAccess, worker: CallWorker): Promise<number> {
  const { ending, draining } = signals;
  const serverEnded = server.ended?.then((how) => {
    throw new UserError(
      `the LiveKit server on this machine ended by itself (${how})`,
      'read .bulletproof/livekit-server.log, then start again',
    );
  });
  await Promise.race([aborted(ending), aborted(draining), worker.ended, ...(serverEnded ? [serverEnded] : [])]);
  if (ending.aborted || !draining.aborted) return signals.exitCode();
  const calls = worker.activeCalls();
  log.info({ event: 'draining', calls }, `taking no new call, ${calls} to finish`);
  await Promise.race([worker.drain().catch(() => undefined), aborted(ending)]);
  return 0;
}

interface Signals {
  /** End at once. */
  readonly ending: AbortSignal;
  /** Take no new call, let the running ones finish. */
  readonly draining: AbortSignal;
  /** From now on SIGTERM drains; before, there is nothing to finish. */
  serving(): void;
  exitCode(): number;
}

/** Ctrl-C ends at once; SIGTERM lets the calls finish, and a second one ends at once. */
function listenForSignals(): Signals {
  const ending = new AbortController();
  const draining = new AbortController();
  let isServing = false;
  let exitCode = 130;
  process.on('SIGINT', () => ending.abort());
  process.on('SIGHUP', () => ending.abort());
  process.on('SIGTERM', () => {
    exitCode = 143;
    if (!isServing || draining.signal.aborted) ending.abort();
    draining.abort();
  });
  return {
    ending: ending.signal,
    draining: draining.signal,
    serving: () => {
      isServing = true;
    },
    exitCode: () => exitCode,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    aborted(signal).then(() => {
      throw signal.reason;
    }),
  ]);
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exit(1);
}
