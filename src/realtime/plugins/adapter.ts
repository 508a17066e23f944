// Which adapter a plugin's model gets.
import type { llm } from '@livekit/agents';
import type { RealtimeAdapter } from '../adapter-contract.ts';
import { geminiAdapter } from './gemini-adapter.ts';
import { openaiAdapter } from './openai-adapter.ts';

export const PIPELINE_LABEL = 'bulletproof.PipelineModel';

/** For any other plugin: relies only on what LiveKit's interface promises. */
const plainAdapter: RealtimeAdapter = {
  setsUp: false,
  tellsSpeech: true,
  turnEndMs: () => 1_000,
  connects: false,
  open: async (model) => model.session(),
  close: (session) => session.close(),
  toHistory: (context) => context,
};

export function adapterFor(model: llm.RealtimeModel): RealtimeAdapter {
  switch (model.label()) {
    case 'openai.RealtimeModel':
      return openaiAdapter;
    case 'google.RealtimeModel':
      return geminiAdapter;
    case PIPELINE_LABEL:
      return { ...plainAdapter, isWatchedWithin: true };
    default:
      return plainAdapter;
  }
}
