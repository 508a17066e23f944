// A plain LiveKit agent over the same vendors as ours: official plugins by themselves, under LiveKit's FallbackAdapters with their
// defaults, or under our chains, as LINKS_UNDER says.
import { appendFileSync } from 'node:fs';
import { defineAgent, inference, llm, stt, tts, voice } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as deepgram from '@livekit/agents-plugin-deepgram';
import * as elevenlabs from '@livekit/agents-plugin-elevenlabs';
import * as openai from '@livekit/agents-plugin-openai';
import { followConversation } from '../../../src/call/conversation.ts';
import { reportFailover } from '../../../src/call/failover-reports.ts';
import { type FailoverEvents, LlmChain, SttChain, TtsChain } from '../../../src/index.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { takeCallEnvironment } from '../../rooms/support/call-environment.ts';
import type { Told } from '../../rooms/support/vendor-calls.ts';

type Under = 'nothing' | 'adapters' | 'chains';

interface Stages {
  readonly stt: stt.STT;
  readonly llm: llm.LLM;
  readonly tts: tts.TTS;
}

const { env } = process;
const socket = (url = '') => url.replace(/^http/, 'ws');

function links() {
  const recognisers = [env.DEEPGRAM_BASE_URL, env.DEEPGRAM_BACKUP_URL].map(
    (url) => new deepgram.STT({ apiKey: env.DEEPGRAM_API_KEY as string, baseUrl: socket(url) }),
  );
  const models = [
    { apiKey: env.OPENROUTER_API_KEY as string, baseURL: env.OPENROUTER_BASE_URL as string },
    { apiKey: env.OPENAI_API_KEY as string, baseURL: env.OPENAI_BASE_URL as string },
  ].map((options) => new openai.LLM({ ...options, model: 'gpt-test' }));
  const voices = [
    new cartesia.TTS({ apiKey: env.CARTESIA_API_KEY as string, baseUrl: env.CARTESIA_BASE_URL as string }),
    new elevenlabs.TTS({
      apiKey: env.ELEVENLABS_API_KEY as string,
      baseURL: `${env.ELEVENLABS_BASE_URL}/v1`,
      encoding: 'pcm_24000' as never,
    }),
  ] as tts.TTS[];
  return { recognisers, models, voices };
}

const STAGES: Readonly<Record<Under, (vad: inference.VAD, watch: FailoverEvents) => Stages>> = {
  nothing: () => {
    const { recognisers, models, voices } = links();
    return { stt: recognisers[0] as stt.STT, llm: models[0] as llm.LLM, tts: voices[0] as tts.TTS };
  },
  adapters: (vad) => {
    const { recognisers, models, voices } = links();
    return {
      stt: new stt.FallbackAdapter({ sttInstances: recognisers, vad }),
      llm: new llm.FallbackAdapter({ llms: models }),
      tts: new tts.FallbackAdapter({ ttsInstances: voices }),
    };
  },
  // Only `watch` is more than a user would write.
  chains: (_, watch) => {
    const { recognisers, models, voices } = links();
    return {
      stt: new SttChain(recognisers, watch),
      llm: new LlmChain(models, watch),
      tts: new TtsChain(voices, watch),
    };
  },
};

export default defineAgent({
  entry: async (context) => {
    const room = context.job.room?.name ?? '';
    const tell = (told: Omit<Told, 'room' | 'pid'>) =>
      appendFileSync(env.TOLD_FILE as string, `${JSON.stringify({ room, pid: process.pid, ...told })}\n`);
    takeCallEnvironment(room);
    tell({ who: 'job', text: 'begins' });
    await context.connect();
    const vad = new inference.VAD();
    const watch: FailoverEvents = {
      ...reportFailover({ log: createLogger().child({ room }) }),
      onFailure: (stage, provider, { kind }) => tell({ who: 'failure', text: `${stage} ${provider} ${kind}` }),
    };
    const session = new voice.AgentSession({
      vad,
      ...STAGES[(env.LINKS_UNDER ?? 'nothing') as Under](vad, watch),
      // Only these two are set, because their defaults ask LiveKit's cloud.
      turnHandling: {
        turnDetection: new inference.TurnDetector({ version: 'v1-mini' }),
        interruption: { mode: 'vad' },
      },
    });
    followConversation(session, tell);
    session.on(voice.AgentSessionEventTypes.Close, () => tell({ who: 'job', text: 'closed' }));
    await session.start({ agent: new voice.Agent({ instructions: 'Answer.' }), room: context.room, record: false });
    session.say('w30 w31.');
  },
});
