// Every provider that a chain can name.
import { freeLlm } from './llm/free-llm.ts';
import { local } from './llm/local.ts';
import { freeStt } from './stt/free-stt.ts';
import { freeTts } from './tts/free-tts.ts';

export const sttProviders = [freeStt] as const;
export const llmProviders = [local, freeLlm] as const;
export const ttsProviders = [freeTts] as const;

export const providers = [...sttProviders, ...llmProviders, ...ttsProviders] as const;
