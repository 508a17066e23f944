// A call process over the real providers, whose vendors are fixture servers that the environment names; writes what it
// believes was heard, and every switch.
import { appendFileSync } from 'node:fs';
import { defineAgent } from '@livekit/agents';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { createLinks, planStages } from '../../../src/call/stages.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import { testResources } from '../../support/test-resources.ts';

const CHAINS = { stt: ['deepgram', 'google'], llm: ['openrouter', 'openai'], tts: ['cartesia', 'elevenlabs'] };

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (proc) => {
    const env = readEnvironment('/nowhere');
    const { config } = testResources({ links: { stt: [], llm: [], tts: [] } });
    const chained = { ...config, chains: CHAINS };
    proc.userData.resources = testResources({
      greeting: 'w30 w31.',
      config: { ...chained, persona: { default: 'test' } },
      links: createLinks(planStages(chained, env), chained, env),
      onHeard: (heard) => appendFileSync(process.env.HEARD_FILE as string, `${JSON.stringify(heard)}\n`),
    });
  },
  entry: async (context) => {
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});
