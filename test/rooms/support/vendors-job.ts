// A call process over the real providers, whose vendors are fixture servers that the environment names; writes what it
// believes was heard, which keys were pressed, and every switch.
import { appendFileSync } from 'node:fs';
import { defineAgent } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';
import support from '../../../agents/support.ts';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { createLinks, type Links, planStages, warmLocalLinks } from '../../../src/call/stages.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import type { Config } from '../../../src/config/schema.ts';
import type { Outcome } from '../../../src/failover/health.ts';
import { MemoryHealthBoard } from '../../../src/failover/health-board.ts';
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

/** Tells what a provider is blamed for. */
class ToldBoard extends MemoryHealthBoard {
  override report(id: string, outcome: Outcome): void {
    if (outcome.type === 'failure') tell({ who: 'failure', text: `${id} ${outcome.failure.kind}` });
    super.report(id, outcome);
  }
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
      board: new ToldBoard(chained.failover),
      log: createLogger({ level: process.env.LOG_LEVEL ?? 'warn' }),
      onHeard: tell,
    });
  },
  entry: async (context) => {
    room = context.job.room?.name ?? '';
    tell({ who: 'job', text: 'begins' });
    context.room.on(RoomEvent.DtmfReceived, (_code, digit) => tell({ who: 'keys', text: digit }));
    const resources = context.proc.userData.resources as CallResources;
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
