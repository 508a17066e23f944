// The greeting where a model speaks it: its words are the persona's own.
import { llm } from '@livekit/agents';
import type { Links } from '../chains/links.ts';
import { LlmChain, type LlmChainOptions } from '../llm/livekit/llm-chain.ts';
import { CONTINUATION_PROMPT } from '../text/continuation-prompt.ts';
import { greetingInstructions } from '../text/greeting-prompt.ts';

/** A chain of language models that answers a request for the greeting, or for the rest of it, without asking a model. */
export class GreetingLlmChain extends LlmChain {
  readonly #greeting: string;

  constructor(links: Links['llm'], options: LlmChainOptions, greeting: string) {
    super(links, options);
    this.#greeting = greeting;
  }

  override chat(options: Parameters<LlmChain['chat']>[0]): llm.LLMStream {
    const text = greetingLeft(options.chatCtx, this.#greeting);
    return text === undefined ? super.chat(options) : new GreetingStream(this, text, options);
  }
}

class GreetingStream extends llm.LLMStream {
  readonly #text: string;

  constructor(owner: GreetingLlmChain, text: string, { chatCtx }: Parameters<LlmChain['chat']>[0]) {
    super(owner, { chatCtx, connOptions: { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 } });
    this.#text = text;
  }

  protected override async run(): Promise<void> {
    this.queue.put({ id: crypto.randomUUID(), delta: { role: 'assistant', content: this.#text } });
  }
}

/** The part of the greeting that is still to be said; undefined when the request is for something else. */
export function greetingLeft({ items }: llm.ChatContext, greeting: string): string | undefined {
  const messages = items.filter((item) => item.type === 'message');
  const asked = messages.pop();
  if (asked?.textContent === greetingInstructions(greeting)) return greeting;
  const begun = messages.at(-1);
  if (asked?.textContent !== CONTINUATION_PROMPT || begun?.role !== 'assistant') return undefined;
  if (messages.some(({ role }) => role === 'user')) return undefined;
  const said = begun.textContent?.trim() ?? '';
  return greeting.startsWith(said) ? greeting.slice(said.length) : undefined;
}
