// What a speech-to-speech provider is: types only. The protocols are spoken by LiveKit's plugins, or by whoever extends its classes.
import type { llm } from '@livekit/agents';
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface RealtimeTraits extends ProviderTraits {
  /** A session that is older is replaced at the next turn boundary, before the vendor ends it. */
  readonly sessionMs?: number;
}

/** What a call wants of its model. */
export interface RealtimeModelWish {
  /** BCP 47. */
  readonly language?: string;
  /** The provider's own default where absent. */
  readonly voice?: string;
}

export interface RealtimeClient extends ProviderClient {
  /** Its sessions are opened, watched, ended and replaced by the chain. */
  model(wish?: RealtimeModelWish): Promise<llm.RealtimeModel>;
  /** The vendor has that model no more. @returns whether another one is given from now on */
  leaveModel?(model: string): boolean;
}

export type RealtimeProvider = ProviderDefinition<'realtime', RealtimeTraits, RealtimeClient>;

/** One provider = one file with one of these. */
export function defineRealtime(provider: Omit<RealtimeProvider, 'stage'>): RealtimeProvider {
  return { stage: 'realtime', ...provider };
}

export interface RealtimeLink extends FailoverLink {
  readonly traits: RealtimeTraits;
  readonly client: RealtimeClient;
  /** Voices by language (BCP 47), from the configuration. */
  readonly voices?: Readonly<Record<string, string>>;
}

/** What a session begins with. */
export interface SessionSetup {
  readonly instructions: string | undefined;
  readonly tools: llm.ToolContext;
  readonly toolChoice: llm.ToolChoice | null | undefined;
  readonly history: llm.ChatContext;
  /** A session of this vendor that the new one goes on from: the history holds only what it does not know. */
  readonly resume?: string | undefined;
}
