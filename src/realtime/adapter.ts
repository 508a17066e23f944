// What the chain has to know of a kind of plugin beyond LiveKit's own interface.
import type { llm } from '@livekit/agents';
import type { Deadlines } from '../config/provider.ts';
import type { SessionSetup } from './contract.ts';
import { geminiAdapter } from './gemini-adapter.ts';
import { openaiAdapter } from './openai-adapter.ts';
import type { ReplySign } from './reply-sign.ts';

export interface RealtimeAdapter {
  /** `open` gives it the whole setup; otherwise it is given afterwards. */
  readonly setsUp: boolean;
  /** It announces when the caller begins and stops speaking, at that time. */
  readonly tellsSpeech: boolean;
  /** So much silence of the caller ends a turn, as far as the model is told to wait. */
  turnEndMs(model: llm.RealtimeModel): number;
  /** Opens a connection of its own; otherwise it is ready at once. */
  readonly connects: boolean;
  /** Its voice is watched elsewhere: where it says nothing, silence is meant. */
  readonly isWatchedWithin?: boolean;
  /** Where they are not those of the stage. */
  readonly deadlines?: Partial<Deadlines>;
  open(model: llm.RealtimeModel, setup: SessionSetup, events: AdapterEvents): Promise<llm.RealtimeSession>;
  close(session: llm.RealtimeSession): Promise<void>;
  /** The conversation as a new session of this kind can be given it. */
  toHistory(context: llm.ChatContext): llm.ChatContext;
  /** What `toHistory` makes of an item's id, where it changes any. */
  toId?(id: string): string;
  /** The vendor refuses items one by one: those that it took are in the session's own context. */
  readonly confirmsItems?: boolean;
  /** For a session that does not know the call. */
  inWords?(output: llm.FunctionCallOutput): llm.ChatMessage;
}

export interface AdapterEvents {
  /** The vendor is going to end the session so soon. */
  onExpiring(inMs: number): void;
  /** What the session knows by now can be had again by this handle. */
  onResumable(handle: string): void;
  /** The words of a turn will never come: the vendor could not tell them. */
  onWordless(): void;
  /** Something that the plugin passes over can't be read. */
  onMalformed(cause: unknown): void;
  onSign(sign: ReplySign): void;
}

export const PIPELINE_LABEL = 'bulletproof.PipelineModel';

/** Any other: what LiveKit's interface promises. */
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
