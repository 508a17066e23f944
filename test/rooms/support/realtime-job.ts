// A call process whose agent is speech to speech: official plugins on fixture servers and our pipeline behind them, in the
// order that the room's name begins with; writes what was heard, which tools ran, and every failure.
import { appendFileSync } from 'node:fs';
import { defineAgent, inference, llm, type VAD, voice } from '@livekit/agents';
import { realtime as google } from '@livekit/agents-plugin-google';
import { realtime as openai } from '@livekit/agents-plugin-openai';
import { z } from 'zod';
import { followConversation } from '../../../src/call/conversation.ts';
import { reportFailover } from '../../../src/call/failover-reports.ts';
import { createLinks, type Links } from '../../../src/chains/links.ts';
import { planStages } from '../../../src/chains/plan.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import type { Config } from '../../../src/config/schema.ts';
import type { FailoverOptions } from '../../../src/failover/failover.ts';
import { connectHealthBoard, type HealthClient } from '../../../src/health/client.ts';
import { LlmChain } from '../../../src/llm/livekit/llm-chain.ts';
import { PipelineModel } from '../../../src/pipeline/pipeline-model.ts';
import { RealtimeChain } from '../../../src/realtime/livekit/realtime-chain.ts';
import { SttChain } from '../../../src/stt/livekit/stt-chain.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { TtsChain } from '../../../src/tts/livekit/tts-chain.ts';
import { testResources } from '../../support/test-resources.ts';
import { hasOwnVendors, takeCallEnvironment } from './call-environment.ts';
import type { Told } from './vendor-calls.ts';

/** A slow machine makes calls long: what failed in one comes back by a check, never by the clock. */
const FAR_MS = 3_600_000;
const CHAINS: Config['chains'] = { stt: ['deepgram'], llm: ['openrouter'], tts: ['cartesia'], realtime: ['pipeline'] };
/** A tool takes so long: long enough for a session to be replaced meanwhile. */
const TOOL_MS = 600;

interface Ready {
  readonly config: Config;
  /** Absent where the call has vendors of its own. */
  readonly links: Links | undefined;
  readonly failover: FailoverOptions;
  readonly vad: VAD;
  readonly board: HealthClient | undefined;
}

let room = '';
const tell = (told: Omit<Told, 'room' | 'pid'>) => {
  const line: Told = { room, pid: process.pid, ...told };
  appendFileSync(process.env.TOLD_FILE as string, `${JSON.stringify(line)}\n`);
};

export default defineAgent<Partial<Ready>>({
  prewarm: async (proc) => {
    const { config, vad } = testResources({ links: { stt: [], llm: [], tts: [], realtime: [] } });
    const links = hasOwnVendors() ? undefined : linksFor(config);
    const { failover } = config;
    const settings = { ...failover, uncheckedMs: FAR_MS, breaker: { ...failover.breaker, openMs: FAR_MS } };
    const socketPath = process.env.HEALTH_SOCKET;
    const board = socketPath ? connectHealthBoard({ socketPath, settings }) : undefined;
    Object.assign(proc.userData, { config, links, failover: { settings, ...(board && { board }) }, vad, board });
  },
  entry: async (context) => {
    room = context.job.room?.name ?? '';
    tell({ who: 'job', text: 'begins' });
    takeCallEnvironment(room);
    await context.connect();
    const caller = await context.waitForParticipant();
    const { config, links = linksFor(config), failover, vad, board } = context.proc.userData as Ready;
    await board?.ready();
    const log = createLogger().child({ room });
    const options: FailoverOptions = {
      ...failover,
      ...reportFailover({ log }),
      onFailure: (stage, provider, { kind }) => tell({ who: 'failure', text: `${stage} ${provider} ${kind}` }),
    };
    const session = new voice.AgentSession({
      llm: modelOf(room, links, options, vad),
      // Its default withholds what the caller says while the agent first speaks.
      aecWarmupDuration: null,
      userAwayTimeout: null,
    });
    followConversation(session, tell);
    session.on(voice.AgentSessionEventTypes.Error, () => tell({ who: 'job', text: 'error' }));
    session.on(voice.AgentSessionEventTypes.Close, ({ reason }) => {
      tell({ who: 'job', text: 'closed' });
      context.shutdown(String(reason));
    });
    const agent = new voice.Agent({ instructions: 'Answer.', tools: [lookUp] });
    await session.start({
      agent,
      room: context.room,
      record: false,
      inputOptions: { participantIdentity: caller.identity },
    });
    session.generateReply({ instructions: 'Greet.' });
  },
});

const lookUp = llm.tool({
  name: 'look_up',
  description: 'Looks something up.',
  parameters: z.object({ what: z.string() }),
  execute: async ({ what }) => {
    tell({ who: 'tool', text: what });
    await new Promise((resolve) => setTimeout(resolve, TOOL_MS));
    return `w${28 + (Number(what) % 2)}`;
  },
});

function linksFor(config: Config): Links {
  const env = readEnvironment('/nowhere');
  const chained = { ...config, chains: CHAINS };
  return createLinks(planStages(chained, env), chained, env);
}

/** As the room's name begins: "openai+gemini+pipeline-…"; with PLUGIN_ALONE the first as it is, under no chain of ours. */
function modelOf(name: string, links: Links, options: FailoverOptions, vad: VAD): llm.RealtimeModel {
  const { env } = process;
  const models: Readonly<Record<string, () => llm.RealtimeModel>> = {
    openai: () =>
      new openai.RealtimeModel({
        apiKey: env.OPENAI_REALTIME_KEY as string,
        baseURL: env.OPENAI_REALTIME_URL as string,
        turnDetection: { type: 'server_vad', silence_duration_ms: 500 },
      }),
    gemini: () =>
      new google.RealtimeModel({
        apiKey: env.GEMINI_LIVE_KEY as string,
        httpOptions: { baseUrl: env.GEMINI_LIVE_URL as string },
      }),
    pipeline: () =>
      new PipelineModel({
        stt: new SttChain(links.stt, { ...options, language: 'en-US', vad }),
        llm: new LlmChain(links.llm, { ...options, language: 'en-US' }),
        tts: new TtsChain(links.tts, { ...options, language: 'en-US' }),
        vad: new inference.VAD(),
      }),
  };
  const order = (name.split('-')[0] as string).split('+');
  const made = order.flatMap((id) => models[id]?.() ?? []);
  return env.PLUGIN_ALONE ? (made[0] as llm.RealtimeModel) : new RealtimeChain(made, options);
}
