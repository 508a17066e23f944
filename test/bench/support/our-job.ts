// Our own call process, with providers that answer at once in place of real ones.
import { defineAgent } from '@livekit/agents';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { llmLinkFromPlugin } from '../../../src/llm/livekit.ts';
import { sttLinkFromPlugin } from '../../../src/stt/livekit-plugin.ts';
import { ttsLinkFromPlugin } from '../../../src/tts/livekit-plugin.ts';
import { InstantLlm, InstantStt, InstantTts } from '../../support/instant-providers.ts';
import { testResources } from '../../support/test-resources.ts';

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (process) => {
    process.userData.resources = testResources({
      links: {
        stt: [sttLinkFromPlugin(new InstantStt())],
        llm: [llmLinkFromPlugin(new InstantLlm())],
        tts: [ttsLinkFromPlugin(new InstantTts())],
        realtime: [],
      },
    });
  },
  entry: async (context) => {
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});
