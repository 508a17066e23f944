// A call process over the real providers, whose vendors are fixture servers that the environment names; writes what it
// believes was heard, which keys were pressed, and every switch.
import { appendFileSync } from 'node:fs';
import { defineAgent } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';
import support from '../../../agents/support.ts';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { createLinks, planStages, warmLocalLinks } from '../../../src/call/stages.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import type { Config } from '../../../src/config/schema.ts';
import { testResources } from '../../support/test-resources.ts';
import type { Told } from './vendor-calls.ts';

/** A slow machine makes calls long: what failed in one comes back by a check, never by the clock. */
const FAR_MS = 3_600_000;

let room = '';
const tell = (told: Omit<Told, 'room' | 'pid'>) => {
  const line: Told = { room, pid: process.pid, ...told };
  appendFileSync(process.env.TOLD_FILE as string, `${JSON.stringify(line)}\n`);
};

export default defineAgent<{ resources?: CallResources }>({
  prewarm: async (proc) => {
    const env = readEnvironment('/nowhere');
    const { config, personas } = testResources({
      links: { stt: [], llm: [], tts: [], realtime: [] },
      greeting: 'w30 w31.',
    });
    const { failover } = config;
    const chained = {
      ...config,
      chains: { ...config.chains, ...(JSON.parse(process.env.CHAINS as string) as Partial<Config['chains']>) },
      failover: { ...failover, uncheckedMs: FAR_MS, breaker: { ...failover.breaker, openMs: FAR_MS } },
    };
    const links = createLinks(planStages(chained, env), chained, env);
    await warmLocalLinks(links);
    proc.userData.resources = testResources({
      config: { ...chained, persona: { default: 'test' } },
      personas: new Map([...personas].map(([id, persona]) => [id, { ...persona, script: support.script }])),
      links,
      onHeard: tell,
    });
  },
  entry: async (context) => {
    room = context.job.room?.name ?? '';
    tell({ who: 'job', text: 'begins' });
    context.room.on(RoomEvent.DtmfReceived, (_code, digit) => tell({ who: 'keys', text: digit }));
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});
