// What a language-model provider is: types only.
import type { SpeechExpectation } from '../config/expectation.ts';
import type { AssistantScript } from '../config/persona.ts';
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface LlmTraits extends ProviderTraits {
  /** The provider runs tools on its own side, so one request must not go to two providers at once. */
  readonly runsTools?: boolean;
  /** The provider shows nothing of a call before it is complete: where tools are offered, a silence may be a call being written. */
  readonly callsComeWhole?: boolean;
}

export interface LlmToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text of an object. */
  readonly arguments: string;
}

/** The conversation in the order in which it happened. An assistant's text is what the caller heard of it. */
export type LlmMessage =
  | { readonly role: 'system' | 'user' | 'assistant'; readonly text: string; readonly interrupted?: boolean }
  | { readonly role: 'tool-call'; readonly call: LlmToolCall }
  | {
      readonly role: 'tool-result';
      readonly callId: string;
      readonly name: string;
      readonly output: string;
      readonly isError: boolean;
    };

export interface LlmTool {
  readonly name: string;
  readonly description: string;
  /** JSON schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface LlmRequest {
  readonly messages: readonly LlmMessage[];
  readonly tools: readonly LlmTool[];
  readonly toolChoice: 'auto' | 'none' | 'required';
  readonly language: string;
  /** The script that a provider without a model of its own replies from. */
  readonly script?: AssistantScript | undefined;
  /**
   * Words of this very reply that a failed provider already gave. The provider is asked to go on from them; a reply that begins
   * anew is handled as well.
   */
  readonly continueFrom?: string | undefined;
  /** Aborting ends the reply without an error. */
  readonly signal: AbortSignal;
  /** Called once the provider answers: its connection is open and it accepted the request. */
  readonly onOpen?: (() => void) | undefined;
}

export type LlmPart =
  | { readonly type: 'text'; readonly text: string }
  /** A complete call, never a piece of one. */
  | { readonly type: 'tool-call'; readonly call: LlmToolCall }
  /** What the provider expects the caller to answer to this reply. */
  | { readonly type: 'expect'; readonly expectation: SpeechExpectation }
  | { readonly type: 'usage'; readonly promptTokens: number; readonly completionTokens: number }
  /** A sign of life: the provider is writing something that it does not give yet. */
  | { readonly type: 'progress'; readonly of: 'tool-call' | 'reasoning' }
  /**
   * The whole reply was given; only its usage may follow. Without this part, the end of the stream ends the reply. `isSuspect`: the
   * stream ended, and nothing tells whether the reply is complete.
   */
  | { readonly type: 'end'; readonly isSuspect?: boolean };

/** A part of a reply as a whole chain gives it. */
export type LlmResult = Exclude<LlmPart, { type: 'progress' | 'end' }>;

export interface LlmClient extends ProviderClient {
  /** The stream ends with the reply or throws one ProviderError. Must have no side effects: a reply may be requested twice. */
  reply(request: LlmRequest): AsyncIterable<LlmPart>;
}

export type LlmProvider = ProviderDefinition<'llm', LlmTraits, LlmClient>;

/** Defines a language-model provider: one per file. */
export function defineLlm(provider: Omit<LlmProvider, 'stage'>): LlmProvider {
  return { stage: 'llm', ...provider };
}

/** A link of a language-model chain. */
export interface LlmLink extends FailoverLink {
  readonly traits: LlmTraits;
  readonly client: LlmClient;
}
