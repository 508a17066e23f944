// A plain LiveKit agent over the same vendors as ours: official plugins under LiveKit's FallbackAdapters with their defaults.
import { defineAgent, inference, llm, stt, tts, voice } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as deepgram from '@livekit/agents-plugin-deepgram';
import * as elevenlabs from '@livekit/agents-plugin-elevenlabs';
import * as openai from '@livekit/agents-plugin-openai';

const { env } = process;
const socket = (url = '') => url.replace(/^http/, 'ws');

export default defineAgent({
  entry: async (context) => {
    await context.connect();
    const ears = [env.DEEPGRAM_BASE_URL, env.DEEPGRAM_BACKUP_URL].map(
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
    const vad = new inference.VAD();
    const session = new voice.AgentSession({
      vad,
      stt: new stt.FallbackAdapter({ sttInstances: ears, vad }),
      llm: new llm.FallbackAdapter({ llms: models }),
      tts: new tts.FallbackAdapter({ ttsInstances: voices }),
      // Only what it can't do without here: the defaults of both ask LiveKit's cloud.
      turnHandling: {
        turnDetection: new inference.TurnDetector({ version: 'v1-mini' }),
        interruption: { mode: 'vad' },
      },
    });
    await session.start({ agent: new voice.Agent({ instructions: 'Answer.' }), room: context.room, record: false });
    session.say('w30 w31.');
  },
});
