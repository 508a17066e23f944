// Both bridges to LiveKit: our chain as its LLM class, and any of its LLM plugins as a link.
import { llm } from '@livekit/agents';
import type { SpeechExpectation } from '../../config/expectation.ts';
import type { AssistantScript } from '../../config/persona.ts';
import { distinct, Failover, type FailoverOptions } from '../../failover/failover.ts';
import { ProviderError, type ProviderErrorKind, serverError } from '../../failover/provider-error.ts';
import { boardOf } from '../../health/memory-board.ts';
import { CONTINUATION_PROMPT, isWholeReply } from '../../text/continuation-prompt.ts';
import { isContentRefusal } from '../../vendors/content-refusal.ts';
import { replyOverChain } from '../chain/chain.ts';
import type { LlmLink, LlmMessage, LlmPart, LlmRequest, LlmResult, LlmTool } from '../contract.ts';
import { markChunks, markIn } from './plugin-marks.ts';

export interface LlmChainOptions extends FailoverOptions {
  /** BCP 47; 'en-US' where absent. */
  readonly language?: string;
  /** Script for links without a model of their own. */
  readonly script?: AssistantScript;
  /** Called with what a reply expects the caller to say next; the reply may be speculative. */
  onExpect?(expectation: SpeechExpectation): void;
}

/** A LiveKit LLM over an array of links: LiveKit plugins or our own providers. */
export class LlmChain extends llm.LLM {
  readonly #failover: Failover<LlmLink>;
  readonly #options: LlmChainOptions;

  /** @throws RangeError when `links` is empty */
  constructor(links: readonly (LlmLink | llm.LLM)[], options: LlmChainOptions = {}) {
    super();
    const normalised = links.map((link) => (link instanceof llm.LLM ? llmLinkFromPlugin(link) : link));
    this.#failover = new Failover('llm', distinct(normalised), { ...options, board: boardOf(options) });
    this.#options = options;
  }

  override label(): string {
    return 'bulletproof.LlmChain';
  }

  /** Id of the link that would be asked now. */
  override get provider(): string {
    return this.#failover.active.id;
  }

  override chat(options: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    return new ChainStream(this, this.#failover, this.#options, options);
  }
}

class ChainStream extends llm.LLMStream {
  readonly #failover: Failover<LlmLink>;
  readonly #options: LlmChainOptions;
  readonly #toolChoice: LlmRequest['toolChoice'];

  constructor(
    owner: LlmChain,
    failover: Failover<LlmLink>,
    options: LlmChainOptions,
    { chatCtx, toolCtx, toolChoice }: Parameters<llm.LLM['chat']>[0],
  ) {
    super(owner, {
      chatCtx,
      ...(toolCtx && { toolCtx }),
      connOptions: { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 },
    });
    this.#failover = failover;
    this.#options = options;
    this.#toolChoice = toolChoice === 'none' || toolChoice === 'required' ? toolChoice : 'auto';
  }

  protected override async run(): Promise<void> {
    const id = crypto.randomUUID();
    const request: LlmRequest = {
      ...begunReply(toMessages(this.chatCtx)),
      tools: toTools(this.toolCtx),
      toolChoice: this.#toolChoice,
      language: this.#options.language ?? 'en-US',
      script: this.#options.script,
      signal: this.abortController.signal,
    };
    for await (const part of replyOverChain(this.#failover, request)) {
      if (this.queue.closed) return;
      if (part.type === 'expect') this.#options.onExpect?.(part.expectation);
      else this.queue.put(toChunk(id, part));
    }
  }
}

function toChunk(id: string, part: Exclude<LlmResult, { type: 'expect' }>): llm.ChatChunk {
  switch (part.type) {
    case 'text':
      return { id, delta: { role: 'assistant', content: part.text } };
    case 'tool-call': {
      const { id: callId, name, arguments: args } = part.call;
      return { id, delta: { role: 'assistant', toolCalls: [llm.FunctionCall.create({ callId, name, args })] } };
    }
    case 'usage': {
      const { promptTokens, completionTokens } = part;
      return {
        id,
        usage: { promptTokens, completionTokens, promptCachedTokens: 0, totalTokens: promptTokens + completionTokens },
      };
    }
  }
}

function toMessages(context: llm.ChatContext): LlmMessage[] {
  const messages: LlmMessage[] = [];
  for (const item of context.items) {
    if (item.type === 'message') {
      const text = item.textContent;
      if (!text) continue;
      const role = item.role === 'developer' ? 'system' : item.role;
      messages.push({ role, text, ...(item.interrupted && { interrupted: true }) });
    } else if (item.type === 'function_call') {
      messages.push({ role: 'tool-call', call: { id: item.callId, name: item.name, arguments: item.args } });
    } else if (item.type === 'function_call_output') {
      const { callId, name, output, isError } = item;
      messages.push({ role: 'tool-result', callId, name, output, isError });
    }
  }
  return messages;
}

/** Turns a final request to go on from a begun reply into `continueFrom`, so that each provider can be asked in its own way. */
function begunReply(messages: readonly LlmMessage[]): Pick<LlmRequest, 'messages' | 'continueFrom'> {
  const [begun, asked] = messages.slice(-2);
  const isAsked = asked?.role === 'user' && asked.text === CONTINUATION_PROMPT;
  if (!isAsked || begun?.role !== 'assistant') return { messages };
  return { messages: messages.slice(0, -2), continueFrom: begun.text };
}

function toTools(context: llm.ToolContext | undefined): LlmTool[] {
  if (!context) return [];
  return Object.entries(context.functionTools).map(([name, tool]) => ({
    name,
    description: tool.description,
    parameters: llm.toJsonSchema(tool.parameters) as unknown as Record<string, unknown>,
  }));
}

/** Plugins that have reported how many tokens a reply took. */
const countsTokens = new WeakSet<llm.LLM>();
/** Longer than any deadline of a chain, as Google's plugin applies it even to a reply that is under way. */
const TIMEOUT_MS = 60_000;

/** Any LiveKit LLM plugin as a link of a chain. Its errors, emitted or thrown, become ProviderErrors of the reply. */
export function llmLinkFromPlugin(plugin: llm.LLM): LlmLink {
  // An 'error' event without a listener would end the process; a plugin may emit one long after its reply is over.
  plugin.on('error', () => undefined);
  return {
    id: plugin.label(),
    traits: { languages: 'any', callsComeWhole: true },
    client: {
      reply: (request) => replyOfPlugin(plugin, request),
      close: () => plugin.aclose(),
    },
  };
}

async function* replyOfPlugin(plugin: llm.LLM, request: LlmRequest): AsyncGenerator<LlmPart> {
  let failure: unknown;
  const onError = (event: { error: Error; recoverable: boolean }) => {
    if (!event.recoverable) failure = event.error;
  };
  plugin.on('error', onError);
  const stream = plugin.chat({
    chatCtx: toChatContext(messagesOf(request)),
    toolCtx: toToolContext(request.tools),
    toolChoice: request.toolChoice,
    connOptions: { maxRetry: 0, retryIntervalMs: 0, timeoutMs: TIMEOUT_MS },
  });
  const isMarked = markChunks(stream);
  const close = () => stream.close();
  request.signal.addEventListener('abort', close, { once: true });
  const seen = { text: '', hasCalls: false, hasUsage: false, hasEnded: false };
  try {
    for await (const chunk of stream) {
      for (const part of fromChunk(chunk, plugin)) {
        if (part.type === 'text') seen.text += part.text;
        seen.hasCalls ||= part.type === 'tool-call';
        seen.hasUsage ||= part.type === 'usage';
        seen.hasEnded ||= part.type === 'end';
        yield part;
      }
    }
  } catch (error) {
    failure = error;
  } finally {
    plugin.off('error', onError);
    request.signal.removeEventListener('abort', close);
    stream.close();
  }
  if (request.signal.aborted) return;
  if (failure !== undefined) throwFailure(plugin, failure);
  yield* endOf(plugin, isMarked, seen);
}

/** LiveKit's plugins don't report why a reply ended, and most treat a stream that was cut off as complete. */
function* endOf(
  plugin: llm.LLM,
  isMarked: boolean,
  seen: { text: string; hasCalls: boolean; hasUsage: boolean; hasEnded: boolean },
): Generator<LlmPart> {
  if (seen.hasUsage) countsTokens.add(plugin);
  if (seen.hasEnded) return;
  const isCut = error(plugin, 'unreachable', 'ended its reply before it was complete');
  if (isMarked) throw isCut;
  if (seen.hasCalls || seen.text.trim() === '' || isWholeReply(seen.text)) return;
  if (!seen.hasUsage && countsTokens.has(plugin)) throw isCut;
  // Google's plugin reports its tokens with every chunk, so they don't prove that the reply is complete.
  yield { type: 'end', isSuspect: true };
}

/** @throws ProviderError, unless the plugin only means that the reply was empty */
function throwFailure(plugin: llm.LLM, cause: unknown): void {
  const message = cause instanceof Error ? cause.message : String(cause);
  // Google's plugin throws this for an empty reply that ended normally.
  if (/no response generated|no content in the response/.test(message)) return;
  if (isContentRefusal(message)) throw error(plugin, 'content-refusal', 'refused the content', cause);
  throw serverError(plugin.label(), cause);
}

function error(plugin: llm.LLM, kind: ProviderErrorKind, what: string, cause?: unknown): ProviderError {
  const provider = plugin.label();
  return new ProviderError({ kind, provider, message: `${provider} ${what}`, cause });
}

function* fromChunk(chunk: llm.ChatChunk, plugin: llm.LLM): Generator<LlmPart> {
  if (chunk.delta?.content) yield { type: 'text', text: chunk.delta.content };
  for (const call of chunk.delta?.toolCalls ?? []) {
    yield { type: 'tool-call', call: { id: call.callId, name: call.name, arguments: call.args } };
  }
  const mark = markIn(chunk);
  if (mark === 'refused') throw error(plugin, 'content-refusal', 'refused the content of its reply');
  if (mark === 'end') yield { type: 'end' };
  else if (mark) yield { type: 'progress', of: mark };
  if (chunk.usage) {
    const { promptTokens, completionTokens } = chunk.usage;
    yield { type: 'usage', promptTokens, completionTokens };
  }
}

/** Appends a begun reply to the messages, followed by the request to go on from it. */
function messagesOf({ messages, continueFrom }: LlmRequest): readonly LlmMessage[] {
  if (!continueFrom) return messages;
  return [...messages, { role: 'assistant', text: continueFrom }, { role: 'user', text: CONTINUATION_PROMPT }];
}

function toChatContext(messages: readonly LlmMessage[]): llm.ChatContext {
  const context = llm.ChatContext.empty();
  for (const message of messages) {
    if (message.role === 'tool-call') {
      const { id: callId, name, arguments: args } = message.call;
      context.insert(llm.FunctionCall.create({ callId, name, args }));
    } else if (message.role === 'tool-result') {
      const { callId, name, output, isError } = message;
      context.insert(llm.FunctionCallOutput.create({ callId, name, output, isError }));
    } else {
      context.addMessage({ role: message.role, content: message.text, interrupted: message.interrupted ?? false });
    }
  }
  return context;
}

function toToolContext(tools: readonly LlmTool[]): llm.ToolContext {
  return new llm.ToolContext(
    tools.map(({ name, description, parameters }) =>
      llm.tool({
        name,
        description,
        parameters: parameters as never,
        // The session runs tools; a plugin only announces the call.
        execute: () => Promise.reject(new Error(`tool ${name} is run by the session`)),
      }),
    ),
  );
}
