// A plain @livekit/agents agent with its defaults: what our own worker is measured beside.
import { defineAgent, inference, voice } from '@livekit/agents';
import { InstantLlm, InstantStt, InstantTts } from '../../support/instant-providers.ts';

export default defineAgent({
  entry: async (context) => {
    await context.connect();
    const session = new voice.AgentSession({
      stt: new InstantStt(),
      llm: new InstantLlm(),
      tts: new InstantTts(),
      // Only these two are set, because their defaults ask LiveKit's cloud.
      turnHandling: {
        turnDetection: new inference.TurnDetector({ version: 'v1-mini' }),
        interruption: { mode: 'vad' },
      },
    });
    await session.start({ agent: new voice.Agent({ instructions: 'Answer.' }), room: context.room, record: false });
  },
});
