// Every provider that a chain can name.
import { freeLlm } from './llm/free-llm.ts';
import { gemini } from './llm/gemini.ts';
import { local } from './llm/local.ts';
import { openai } from './llm/openai.ts';
import { openrouter } from './llm/openrouter.ts';
import { geminiLive } from './realtime/gemini-live.ts';
import { openaiRealtime } from './realtime/openai-realtime.ts';
import { deepgramStt } from './stt/deepgram.ts';
import { freeStt } from './stt/free-stt.ts';
import { google, googleStreaming } from './stt/google.ts';
import { whisper } from './stt/whisper.ts';
import { cartesia } from './tts/cartesia.ts';
import { deepgramTts } from './tts/deepgram.ts';
import { elevenlabs } from './tts/elevenlabs.ts';
import { freeTts } from './tts/free-tts.ts';
import { silero } from './tts/silero.ts';

export const sttProviders = [deepgramStt, googleStreaming, google, whisper, freeStt] as const;
export const llmProviders = [openrouter, openai, gemini, local, freeLlm] as const;
export const ttsProviders = [cartesia, silero, elevenlabs, deepgramTts, freeTts] as const;
export const realtimeProviders = [geminiLive, openaiRealtime] as const;

export const providers = [...sttProviders, ...llmProviders, ...ttsProviders, ...realtimeProviders] as const;
