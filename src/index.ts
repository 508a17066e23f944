// What others import: the chains for an existing LiveKit agent, and what personas and providers are made with.
export type { CallMode } from './config/call-mode.ts';
export type { SpeechExpectation } from './config/expectation.ts';
export {
  type AssistantScript,
  definePersona,
  type Persona,
  type RecordedName,
  type RecordedSentence,
  type ScriptAction,
  type ScriptQuestion,
} from './config/persona.ts';
export type { EnvNeed, ProviderClient, ProviderDefinition, ProviderSettings } from './config/provider.ts';
export { type AnyTool, defineTool, type ToolContext, type ToolDefinition } from './config/tool.ts';
export type { FailoverEvents, FailoverLink, FailoverOptions, Hedge, Switch } from './failover/failover.ts';
export type { HealthBoard } from './failover/health-board.ts';
export { PROVIDER_ERROR_KINDS, ProviderError, type ProviderErrorKind } from './failover/provider-error.ts';
export { DEFAULT_FAILOVER, type FailoverSettings, type Stage } from './failover/settings.ts';
export { connectHealthBoard, type HealthClient } from './health/client.ts';
export { MemoryHealthBoard } from './health/memory-board.ts';
export { type HealthServer, serveHealthBoard } from './health/server.ts';
export type { LlmLink } from './llm/contract.ts';
export {
  defineLlm,
  type LlmClient,
  type LlmMessage,
  type LlmPart,
  type LlmProvider,
  type LlmRequest,
} from './llm/contract.ts';
export { LlmChain, type LlmChainOptions } from './llm/livekit/llm-chain.ts';
export { PipelineModel, type PipelineModelOptions } from './pipeline/pipeline-model.ts';
export {
  defineRealtime,
  type RealtimeClient,
  type RealtimeLink,
  type RealtimeModelWish,
  type RealtimeProvider,
  type RealtimeTraits,
} from './realtime/contract.ts';
export { RealtimeChain, type RealtimeChainOptions } from './realtime/livekit/realtime-chain.ts';
export type { SttLink } from './stt/contract.ts';
export { defineStt, type SttClient, type SttPart, type SttProvider, type SttSession } from './stt/contract.ts';
export { SttChain, type SttChainOptions } from './stt/livekit/stt-chain.ts';
export type { TtsLink } from './tts/contract.ts';
export { defineTts, type TtsClient, type TtsPart, type TtsProvider, type TtsSession } from './tts/contract.ts';
export { TtsChain, type TtsChainOptions } from './tts/livekit/tts-chain.ts';
