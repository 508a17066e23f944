// What a language-model provider is: types only.
import type { SpeechExpectation } from '../config/expectation.ts';
import type { AssistantScript } from '../config/persona.ts';
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../config/provider.ts';
import type { FailoverLink } from '../failover/failover.ts';

export interface LlmTraits extends ProviderTraits {
  /** It runs tools on its own side, so one request must not go to two providers at once. */
  readonly runsTools?: boolean;
  /** It shows nothing of a call before it is whole: where tools are offered, a silence may be one that is being written. */
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
  /** What a provider without a model of its own works from. */
  readonly script?: AssistantScript | undefined;
  /**
   * Words of this very reply that were already given, by a provider that failed. The provider is asked to go on from
   * them; one that begins anew is understood as well.
   */
  readonly continueFrom?: string | undefined;
  /** Aborting ends the reply without an error. */
  readonly signal: AbortSignal;
  /** Called once the provider answers: its connection stands and the request was taken. */
  readonly onOpen?: (() => void) | undefined;
}

export type LlmPart =
  | { readonly type: 'text'; readonly text: string }
  /** Whole, never in pieces. */
  | { readonly type: 'tool-call'; readonly call: LlmToolCall }
  /** What it expects the caller to say to this reply. */
  | { readonly type: 'expect'; readonly expectation: SpeechExpectation }
  | { readonly type: 'usage'; readonly promptTokens: number; readonly completionTokens: number }
  /** A delta of what is not given yet: it is alive. */
  | { readonly type: 'progress'; readonly of: 'tool-call' | 'reasoning' }
  /**
   * All of the reply was given; only its usage may follow. Where it is absent, the end of the stream says so. `isSuspect`: the stream
   * ended, and nothing tells whether the reply did.
   */
  | { readonly type: 'end'; readonly isSuspect?: boolean };

/** What a whole chain gives. */
export type LlmResult = Exclude<LlmPart, { type: 'progress' | 'end' }>;

export interface LlmClient extends ProviderClient {
  /** Ends with the reply, or throws one ProviderError. Must be free of side effects: a reply may be asked for twice. */
  reply(request: LlmRequest): AsyncIterable<LlmPart>;
}

export type LlmProvider = ProviderDefinition<'llm', LlmTraits, LlmClient>;

/** One provider = one file with one of these. */
export function defineLlm(provider: Omit<LlmProvider, 'stage'>): LlmProvider {
  return { stage: 'llm', ...provider };
}

/** A model in a chain. */
export interface LlmLink extends FailoverLink {
  readonly traits: LlmTraits;
  readonly client: LlmClient;
}
