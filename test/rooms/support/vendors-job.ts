// A call process over the real providers, whose vendors are fixture servers that the environment names; writes what it
// believes was heard, which keys were pressed, and every switch.
import { appendFileSync } from 'node:fs';
import { defineAgent } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';
import support from '../../../agents/support.ts';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { createLinks, type Links, warmLocalLinks } from '../../../src/chains/links.ts';
import { planStages } from '../../../src/chains/plan.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import type { Config } from '../../../src/config/schema.ts';
import type { HealthBoard } from '../../../src/failover/health-board.ts';
import type { FailoverSettings } from '../../../src/failover/settings.ts';
import { connectHealthBoard, type HealthClient } from '../../../src/health/client.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { testResources } from '../../support/test-resources.ts';
import { hasOwnVendors, takeCallEnvironment } from './call-environment.ts';
import type { Told } from './vendor-calls.ts';

/** A slow machine makes calls long: what failed in one comes back by a check, never by the clock. */
const FAR_MS = 3_600_000;

let room = '';
const tell = (told: Omit<Told, 'room' | 'pid'>) => {
  const line: Told = { room, pid: process.pid, ...told };
  appendFileSync(process.env.TOLD_FILE as string, `${JSON.stringify(line)}\n`);
};

/** That of the worker where it has one; tells what a provider is blamed for. */
function openBoard(settings: FailoverSettings): HealthBoard & Partial<Pick<HealthClient, 'ready'>> {
  const socketPath = process.env.HEALTH_SOCKET;
  const board = socketPath ? connectHealthBoard({ socketPath, settings }) : new MemoryHealthBoard(settings);
  const report = board.report.bind(board);
  board.report = (id, outcome) => {
    if (outcome.type === 'failure') tell({ who: 'failure', text: `${id} ${outcome.failure.kind}` });
    report(id, outcome);
  };
  return board;
}

export default defineAgent<{ resources?: CallResources }>({
  prewarm: async (proc) => {
    const { config, personas } = testResources({
      links: { stt: [], llm: [], tts: [], realtime: [] },
      greeting: 'w30 w31.',
    });
    const { failover } = config;
    const chained = {
      ...config,
      chains: { ...config.chains, ...(JSON.parse(process.env.CHAINS as string) as Partial<Config['chains']>) },
      failover: { ...failover, uncheckedMs: FAR_MS, breaker: { ...failover.breaker, openMs: FAR_MS } },
      persona: { default: 'test' },
    };
    const links = linksFor(chained);
    await warmLocalLinks(links);
    proc.userData.resources = testResources({
      config: chained,
      personas: new Map([...personas].map(([id, persona]) => [id, { ...persona, script: support.script }])),
      links,
      board: openBoard(chained.failover),
      log: createLogger({ level: process.env.LOG_LEVEL ?? 'warn' }),
      onHeard: tell,
    });
  },
  entry: async (context) => {
    room = context.job.room?.name ?? '';
    tell({ who: 'job', text: 'begins' });
    context.room.on(RoomEvent.DtmfReceived, (_code, digit) => tell({ who: 'keys', text: digit }));
    const resources = context.proc.userData.resources as CallResources;
    const { board } = resources as { board?: ReturnType<typeof openBoard> };
    await board?.ready?.();
    if (hasOwnVendors()) {
      takeCallEnvironment(room);
      Object.assign(resources, { links: linksFor(resources.config, resources.links) });
    }
    await runCall(context, resources);
  },
});

function linksFor(config: Config, former?: Links): Links {
  const env = readEnvironment('/nowhere');
  return createLinks(planStages(config, env), config, env, former);
}
