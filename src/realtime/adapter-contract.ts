// What the chain has to know of a kind of plugin beyond LiveKit's own interface, and what it is told by it: types only.
import type { llm } from '@livekit/agents';
import type { Deadlines } from '../config/provider.ts';
import type { SessionSetup } from './contract.ts';

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

/** What a vendor says of its reply beside the streams of LiveKit's interface. */
export type ReplySign =
  /** It is at work: arguments of a call, a new item, words whose audio follows. */
  | { readonly type: 'progress' }
  /** It generated everything, and owes nothing more. Its end of turn may come with the end of playback, or never. */
  | { readonly type: 'generated' }
  /** It ended a turn with nothing in it. */
  | { readonly type: 'empty' }
  /** It ended before all was generated: the length that it may have, or a call that it could not write. */
  | { readonly type: 'cut' }
  /** Its filter took offence. */
  | { readonly type: 'refused'; readonly reason: string }
  /** It says nothing as it takes the caller to go on. */
  | { readonly type: 'waiting' }
  /** Calls whose results it does not want any more. */
  | { readonly type: 'cancelled'; readonly callIds: readonly string[] };
