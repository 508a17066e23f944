// Our own call process, with providers that answer at once in place of real ones.
import { defineAgent, inference } from '@livekit/agents';
import { fileURLToPath } from 'node:url';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import type { Persona } from '../../../src/config/persona.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { llmLinkFromPlugin } from '../../../src/llm/livekit.ts';
import { sttLinkFromPlugin } from '../../../src/stt/livekit.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { ttsLinkFromPlugin } from '../../../src/tts/livekit.ts';
import { InstantLlm, InstantStt, InstantTts } from '../../support/instant-providers.ts';

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (process) => {
    process.userData.resources = resources();
  },
  entry: async (context) => {
    await runCall(context, context.proc.userData.resources ?? resources());
  },
});

function resources(): CallResources {
  const persona: Persona = {
    id: 'bench',
    title: 'Bench',
    description: '',
    languages: ['en-US'],
    instructions: 'Answer.',
    greeting: 'Hello.',
    tools: [],
    script: { facts: [], actions: [], fallbackAction: '', notUnderstood: '', help: '', human: '', goodbye: '' },
  };
  const config = loadConfig(fileURLToPath(new URL('../../../agents/providers.yaml', import.meta.url)));
  return {
    config: { ...config, persona: { default: 'bench' } },
    env: {},
    personas: new Map([['bench', persona]]),
    links: {
      stt: sttLinkFromPlugin(new InstantStt()),
      llm: llmLinkFromPlugin(new InstantLlm()),
      tts: ttsLinkFromPlugin(new InstantTts()),
    },
    vad: new inference.VAD(),
    journal: { record: () => Promise.resolve() },
    log: createLogger({ level: 'warn' }),
  };
}
