// What the chain has to know of a kind of plugin beyond LiveKit's own interface, and what it is told by it: types only.
import type { llm } from '@livekit/agents';
import type { Deadlines } from '../config/provider.ts';
import type { SessionSetup } from './contract.ts';

export interface RealtimeAdapter {
  /** Whether `open` gives the session its whole setup; otherwise the link session does so afterwards. */
  readonly setsUp: boolean;
  /** Whether its sessions announce when the caller begins and stops speaking, at that time. */
  readonly tellsSpeech: boolean;
  /** Milliseconds of the caller's silence that end a turn, as far as the model's configuration says. */
  turnEndMs(model: llm.RealtimeModel): number;
  /** Whether a session opens a connection of its own; otherwise it is ready at once. */
  readonly connects: boolean;
  /** The voice is watched inside the model (as in the pipeline): silence in its audio is intended, not a failure. */
  readonly isWatchedWithin?: boolean;
  /** Deadlines that differ from those of the stage. */
  readonly deadlines?: Partial<Deadlines>;
  open(model: llm.RealtimeModel, setup: SessionSetup, events: AdapterEvents): Promise<llm.RealtimeSession>;
  close(session: llm.RealtimeSession): Promise<void>;
  /** The conversation in a form that a new session of this kind accepts. */
  toHistory(context: llm.ChatContext): llm.ChatContext;
  /** The id that `toHistory` gives to an item with this id; absent where it changes no ids. */
  toId?(id: string): string;
  /** The vendor refuses items one by one: the session's own context holds those that it accepted. */
  readonly confirmsItems?: boolean;
  /** A tool's result as a message in words, for a session that does not know the call. */
  inWords?(output: llm.FunctionCallOutput): llm.ChatMessage;
}

export interface AdapterEvents {
  /** The vendor will end the session in this many milliseconds. */
  onExpiring(inMs: number): void;
  /** A new session can resume what this one knows by now with this handle. */
  onResumable(handle: string): void;
  /** The transcript of a turn will never come: the vendor could not transcribe it. */
  onWordless(): void;
  /** The vendor sent something unreadable that the plugin ignores. */
  onMalformed(cause: unknown): void;
  onSign(sign: ReplySign): void;
}

/** What a vendor reports about its reply beside the streams of LiveKit's interface. */
export type ReplySign =
  /** The vendor is working on the reply: it sent arguments of a call, a new item, or words whose audio follows. */
  | { readonly type: 'progress' }
  /** The vendor generated everything and owes nothing more. Its end of turn may come with the end of playback, or never. */
  | { readonly type: 'generated' }
  /** The vendor ended a turn with nothing in it. */
  | { readonly type: 'empty' }
  /** The vendor ended the reply before it was complete: it reached the length limit, or could not write a call. */
  | { readonly type: 'cut' }
  /** The vendor's content filter stopped the reply. */
  | { readonly type: 'refused'; readonly reason: string }
  /** The vendor says nothing because it expects the caller to go on. */
  | { readonly type: 'waiting' }
  /** The vendor does not want the results of these calls any more. */
  | { readonly type: 'cancelled'; readonly callIds: readonly string[] };
