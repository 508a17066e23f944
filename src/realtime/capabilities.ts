// What a realtime model of ours can do, whichever link serves it.
import type { llm } from '@livekit/agents';

export const CAPABILITIES: Omit<llm.RealtimeCapabilities, 'perResponseToolChoice'> = {
  messageTruncation: true,
  turnDetection: true,
  userTranscription: true,
  // Whichever link serves, the session's owner asks for the answer to a tool's result, once.
  autoToolReplyGeneration: false,
  audioOutput: true,
  manualFunctionCalls: true,
  midSessionChatCtxUpdate: true,
  midSessionInstructionsUpdate: true,
  midSessionToolsUpdate: true,
};
