// What a speech-to-speech provider is: types only. The protocols are spoken by LiveKit's plugins, or by whoever extends its classes.
import type { llm } from '@livekit/agents';
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface RealtimeTraits extends ProviderTraits {
  /** Greatest age of a session in milliseconds: the chain replaces it before that, at a turn boundary, before the vendor ends it. */
  readonly sessionMs?: number;
}

/** The language and the voice that a call wants of its model. */
export interface RealtimeModelWish {
  /** BCP 47. */
  readonly language?: string;
  /** The provider's own default where absent. */
  readonly voice?: string;
}

export interface RealtimeClient extends ProviderClient {
  /** Makes the model; the chain opens, watches, ends and replaces its sessions. */
  model(wish?: RealtimeModelWish): Promise<llm.RealtimeModel>;
  /** Call when the vendor no longer has this model. @returns whether another one is given from now on */
  leaveModel?(model: string): boolean;
}

export type RealtimeProvider = ProviderDefinition<'realtime', RealtimeTraits, RealtimeClient>;

/** Defines a realtime provider; each provider is one file with one such definition. */
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
  /** Handle of an earlier session of this vendor that the new one resumes: the history holds only what that one does not know. */
  readonly resume?: string | undefined;
}
