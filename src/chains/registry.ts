// Every provider that a chain can name.
import { freeLlm } from '../llm/providers/free-llm/free-llm.ts';
import { gemini } from '../llm/providers/gemini/gemini.ts';
import { local } from '../llm/providers/local.ts';
import { openai } from '../llm/providers/openai.ts';
import { openrouter } from '../llm/providers/openrouter.ts';
import { geminiLive } from '../realtime/providers/gemini-live.ts';
import { openaiRealtime } from '../realtime/providers/openai-realtime.ts';
import { deepgramStt } from '../stt/providers/deepgram/deepgram.ts';
import { freeStt } from '../stt/providers/free-stt.ts';
import { google, googleStreaming } from '../stt/providers/google/google.ts';
import { whisper } from '../stt/providers/whisper.ts';
import { cartesia } from '../tts/providers/cartesia.ts';
import { deepgramTts } from '../tts/providers/deepgram/deepgram.ts';
import { elevenlabs } from '../tts/providers/elevenlabs/elevenlabs.ts';
import { freeTts } from '../tts/providers/free-tts.ts';
import { silero } from '../tts/providers/silero.ts';

export const sttProviders = [deepgramStt, googleStreaming, google, whisper, freeStt] as const;
export const llmProviders = [openrouter, openai, gemini, local, freeLlm] as const;
export const ttsProviders = [cartesia, silero, elevenlabs, deepgramTts, freeTts] as const;
export const realtimeProviders = [geminiLive, openaiRealtime] as const;

export const providers = [...sttProviders, ...llmProviders, ...ttsProviders, ...realtimeProviders] as const;
