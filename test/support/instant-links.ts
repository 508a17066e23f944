// The providers that answer at once, as links of the chains.
import type { CallResources } from '../../src/call/run-call.ts';
import { llmLinkFromPlugin } from '../../src/llm/livekit/llm-chain.ts';
import { sttLinkFromPlugin } from '../../src/stt/livekit/plugin-link.ts';
import { ttsLinkFromPlugin } from '../../src/tts/livekit/plugin-link.ts';
import { InstantLlm, InstantStt, InstantTts } from './instant-providers.ts';

export function instantLinks(): CallResources['links'] {
  return {
    stt: [sttLinkFromPlugin(new InstantStt())],
    llm: [llmLinkFromPlugin(new InstantLlm())],
    tts: [ttsLinkFromPlugin(new InstantTts())],
    realtime: [],
  };
}
