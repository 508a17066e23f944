// The stages of a call.
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';

export const PIPELINE_STAGES = ['stt', 'llm', 'tts'] as const;
export const STAGES = [...PIPELINE_STAGES, 'realtime'] as const;
export type Stage = (typeof STAGES)[number];
/** The title of the pipeline where providers are listed by title. */
export const PIPELINE_TITLE = 'Recognition, model and voice';

/** A provider of any stage. */
export type AnyProvider = ProviderDefinition<string, ProviderTraits, ProviderClient>;
