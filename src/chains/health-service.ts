// What the parent process knows of all providers: the board that every call shares, free checks, Redis, and its log.

import type { Environment } from '../config/environment.ts';
import type { ConfigFiles } from '../config/files.ts';
import { type Config, PIPELINE } from '../config/schema.ts';
import { boardIds, serviceId } from '../failover/board-ids.ts';
import { systemClock } from '../failover/clock.ts';
import type { Health } from '../failover/health.ts';
import { type CheckTarget, HealthChecks } from '../health/checks.ts';
import { MemoryHealthBoard } from '../health/memory-board.ts';
import { joinRedis } from '../health/redis.ts';
import { serveHealthBoard } from '../health/server.ts';
import type { Logger } from '../telemetry/log.ts';
import { clientsOf, closeLeft, createLinks, type Links, linksOfStage } from './links.ts';
import type { Plan } from './plan.ts';
import { STAGES } from './stages.ts';

export interface HealthService {
  readonly board: MemoryHealthBoard;
  readonly plan: Plan;
  /** The parent's own clients of all providers: for checks, never for a call. */
  readonly links: Links;
  /** The socket to which call processes connect. */
  readonly socketPath: string;
  /** Goes on with another configuration; the settings of the board stay. */
  replace(plan: Plan, config: Config, env: Environment): void;
  /** Sends call processes the files that their next call must use. */
  announce(files: ConfigFiles): void;
  close(): Promise<void>;
}

export async function startHealthService(
  plan: Plan,
  config: Config,
  env: Environment,
  log: Logger,
  /** The LiveKit server's secret: signs the messages between workers where HEALTH_SECRET is not set. */
  serverSecret: string,
): Promise<HealthService> {
  const settings = config.failover;
  const board = new MemoryHealthBoard(settings);
  logChanges(board, log);
  const isKnown = (id: string) => known.has(id);
  const server = await serveHealthBoard({
    board,
    isKnown,
    log: (message) => log.warn({ event: 'health_board' }, message),
  });
  let current = { plan, links: createLinks(plan, config, env) };
  let known = knownIds(current.links);
  const workerId = crypto.randomUUID();
  const redis = env.REDIS_URL
    ? await joinRedis({
        url: env.REDIS_URL,
        board,
        workerId,
        secret: env.HEALTH_SECRET ?? serverSecret,
        isKnown,
        log: (message) => log.warn({ event: 'health_redis' }, message),
      })
    : undefined;
  let checks = startChecks(board, settings, current.links, log);
  return {
    board,
    get plan() {
      return current.plan;
    },
    get links() {
      return current.links;
    },
    socketPath: server.socketPath,
    replace: (nextPlan, nextConfig, nextEnv) => {
      const former = current.links;
      const links = createLinks(nextPlan, nextConfig, nextEnv, former);
      checks.stop();
      current = { plan: nextPlan, links };
      known = knownIds(links);
      for (const id of changedServices(former, links)) board.forget(id);
      checks = startChecks(board, settings, links, log);
      void closeLeft(former, links);
    },
    announce: (files) => {
      if (server.announce(files)) return;
      log.warn({ event: 'health_board' }, 'the configuration is too long for running call processes: new ones read it');
    },
    close: async () => {
      checks.stop();
      const clients = clientsOf(current.links);
      await Promise.allSettled([redis?.close(), server.close(), ...clients.map((client) => client.close())]);
    },
  };
}

function startChecks(board: MemoryHealthBoard, settings: Config['failover'], links: Links, log: Logger): HealthChecks {
  return new HealthChecks({
    board,
    clock: systemClock,
    random: Math.random,
    settings,
    targets: checkTargets(links),
    onReconnecting: (id, attempt, waitMs) =>
      log.info(
        { event: 'reconnection_attempt', provider: id, attempt, backoff_delay: Math.round(waitMs) },
        `${id}: checking whether it is well again in ${Math.round(waitMs)} ms`,
      ),
    onReconnected: (id, attempts) =>
      log.info({ event: 'reconnection_success', provider: id, attempts }, `${id}: answers again`),
    onReconnectFailed: (id, attempts, failure) =>
      log.warn(
        { event: 'reconnection_failed', provider: id, total_attempts: attempts, reason: failure.kind },
        `${id}: still does not answer (${failure.kind})`,
      ),
  });
}

/** Services of which a client was replaced: another key, address or model. */
function changedServices(former: Links, links: Links): string[] {
  const known = new Set(clientsOf(former));
  return STAGES.flatMap((stage) => {
    const changed = linksOfStage(links, stage).filter(({ client }) => !known.has(client));
    return [...new Set(changed.map((link) => serviceId(stage, link)))];
  });
}

/** The ids that messages may name: each service, and each of its keys. */
function knownIds(links: Links): ReadonlySet<string> {
  return new Set(
    STAGES.flatMap((stage) =>
      [{ id: PIPELINE }, ...linksOfStage(links, stage)].flatMap((link) => boardIds(stage, link)),
    ),
  );
}

/** A target for the service, and one for each key, of every provider that has a free check. */
function checkTargets(links: Links): CheckTarget[] {
  const targets = new Map<string, CheckTarget>();
  for (const stage of STAGES) {
    for (const link of linksOfStage(links, stage)) {
      const check = link.client.check?.bind(link.client);
      if (!check) continue;
      for (const id of boardIds(stage, link)) if (!targets.has(id)) targets.set(id, { id, check });
    }
  }
  return [...targets.values()];
}

function logChanges(board: MemoryHealthBoard, log: Logger): void {
  const before = new Map<string, Health['breaker']['kind']>();
  board.onChange((id, { breaker, failuresInRow, lastFailure, blocked }) => {
    const was = before.get(id) ?? 'closed';
    before.set(id, breaker.kind);
    if (breaker.kind === 'open' && was !== 'open') {
      log.error(
        { event: 'circuit_breaker_opened', provider: id, consecutive_failures: failuresInRow, kind: lastFailure?.kind },
        `${id}: left alone (${lastFailure?.message ?? 'failed too often'})`,
      );
    } else if (breaker.kind === 'closed' && was !== 'closed') {
      log.info({ event: 'circuit_breaker_closed', provider: id }, `${id}: well again`);
    }
    if (blocked?.kind === 'rate-limit') {
      const reset = Number.isFinite(blocked.untilMs) ? new Date(blocked.untilMs).toISOString() : undefined;
      log.warn({ event: 'rate_limit_hit', provider: id, reset_time: reset }, `${id}: full until ${reset}`);
    }
  });
}
