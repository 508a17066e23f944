// What the parent process knows of all providers: the board that every call shares, free checks, Redis, and its log.
import { createLinks, type Links, linksOfStage, type Plan, STAGES } from './call/stages.ts';
import type { Environment } from './config/environment.ts';
import type { Config } from './config/schema.ts';
import { systemClock } from './failover/clock.ts';
import type { Health } from './failover/health.ts';
import { MemoryHealthBoard } from './failover/health-board.ts';
import { type CheckTarget, HealthChecks } from './failover/health-checks.ts';
import { serveHealthBoard } from './failover/health-server.ts';
import { joinRedis } from './failover/redis-health.ts';
import type { Logger } from './telemetry/log.ts';

export interface HealthService {
  readonly board: MemoryHealthBoard;
  /** The parent's own clients of all providers: for checks, never for a call. */
  readonly links: Links;
  /** Where call processes connect. */
  readonly socketPath: string;
  close(): Promise<void>;
}

export async function startHealthService(
  plan: Plan,
  config: Config,
  env: Environment,
  log: Logger,
): Promise<HealthService> {
  const settings = config.failover;
  const board = new MemoryHealthBoard(settings);
  logChanges(board, log);
  const server = await serveHealthBoard({ board, log: (message) => log.warn({ event: 'health_board' }, message) });
  const workerId = crypto.randomUUID();
  const redis = env.REDIS_URL
    ? await joinRedis({
        url: env.REDIS_URL,
        board,
        workerId,
        log: (message) => log.warn({ event: 'health_redis' }, message),
      })
    : undefined;
  const links = createLinks(plan, config, env);
  const clients = STAGES.flatMap((stage) => linksOfStage(links, stage).map(({ client }) => client));
  const checks = new HealthChecks({
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
  return {
    board,
    links,
    socketPath: server.socketPath,
    close: async () => {
      checks.stop();
      await Promise.allSettled([redis?.close(), server.close(), ...clients.map((client) => client.close())]);
    },
  };
}

/** Each provider that has a free check, by the service and by each of its keys. */
function checkTargets(links: ReturnType<typeof createLinks>): CheckTarget[] {
  const targets = new Map<string, CheckTarget>();
  for (const stage of STAGES) {
    for (const { id, client, keyFingerprint } of linksOfStage(links, stage)) {
      const check = client.check?.bind(client);
      if (!check) continue;
      const service = `${stage}/${id}`;
      for (const target of keyFingerprint ? [service, `${service}#${keyFingerprint}`] : [service]) {
        if (!targets.has(target)) targets.set(target, { id: target, check });
      }
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
