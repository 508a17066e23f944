// Who stands for the same scripted providers: LiveKit's adapters with their defaults, tuned, and our chains.
import { llm, stt, tts } from '@livekit/agents';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { LlmChain, SttChain, TtsChain } from '../../../src/index.ts';

export interface Column {
  readonly title: string;
  /** What all calls of one worker share; LiveKit's adapters share nothing. */
  readonly board: () => MemoryHealthBoard;
  stt(links: stt.STT[], board: MemoryHealthBoard): stt.STT;
  llm(links: llm.LLM[], board: MemoryHealthBoard): llm.LLM;
  tts(links: tts.TTS[], board: MemoryHealthBoard): tts.TTS;
  /** The connection options that a session hands to a voice: LiveKit's voice adapter has no time-out of its own. */
  readonly ttsConn?: { readonly maxRetry: number; readonly retryIntervalMs: number; readonly timeoutMs: number };
}

const board = () => new MemoryHealthBoard();
const TUNED_TIMEOUT_MS = 1_000;

export const COLUMNS: readonly Column[] = [
  {
    title: 'LiveKit, defaults',
    board,
    stt: (sttInstances) => new stt.FallbackAdapter({ sttInstances }),
    llm: (llms) => new llm.FallbackAdapter({ llms }),
    tts: (ttsInstances) => new tts.FallbackAdapter({ ttsInstances }),
  },
  {
    title: 'LiveKit, tuned',
    board,
    stt: (sttInstances) =>
      new stt.FallbackAdapter({ sttInstances, attemptTimeoutMs: TUNED_TIMEOUT_MS, maxRetryPerSTT: 0 }),
    llm: (llms) =>
      new llm.FallbackAdapter({
        llms,
        attemptTimeout: TUNED_TIMEOUT_MS / 1000,
        maxRetryPerLLM: 0,
        retryOnChunkSent: true,
      }),
    tts: (ttsInstances) => new tts.FallbackAdapter({ ttsInstances, maxRetryPerTTS: 0 }),
    ttsConn: { maxRetry: 0, retryIntervalMs: 0, timeoutMs: TUNED_TIMEOUT_MS },
  },
  {
    title: 'Bulletproof',
    board,
    stt: (links, shared) => new SttChain(links, ours(shared)),
    llm: (links, shared) => new LlmChain(links, ours(shared)),
    tts: (links, shared) => new TtsChain(links, ours(shared)),
  },
];

const ours = (shared: MemoryHealthBoard) => ({ language: 'en-US', board: shared });
