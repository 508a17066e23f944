// The conversation as it was heard, whichever session heard or said it: what every new session is given.
import { llm } from '@livekit/agents';

export class Conversation {
  #context = llm.ChatContext.empty();
  /** Ids of calls whose results no session waits for any more. */
  readonly #cancelled = new Set<string>();

  /** A copy of the conversation. */
  get context(): llm.ChatContext {
    return this.#context.copy();
  }

  /** Calls whose result is still to come. */
  get openCalls(): readonly llm.FunctionCall[] {
    const { items } = this.#context;
    const answered = new Set(items.flatMap((item) => (item.type === 'function_call_output' ? [item.callId] : [])));
    return items
      .filter((item) => item.type === 'function_call')
      .filter(({ callId }) => !answered.has(callId) && !this.#cancelled.has(callId));
  }

  /** Whether the last item is the result of a call. */
  get endsWithResult(): boolean {
    return this.#context.items.at(-1)?.type === 'function_call_output';
  }

  /** The vendor forgot these calls: no session waits for their results. */
  cancel(callIds: readonly string[]): void {
    for (const callId of callIds) this.#cancelled.add(callId);
  }

  isCancelled(callId: string): boolean {
    return this.#cancelled.has(callId);
  }

  /** @returns what came and went */
  replace(context: llm.ChatContext): { added: llm.ChatItem[]; removed: string[] } {
    const copy = context.copy();
    const added = copy.items.filter(({ id }) => !this.#context.getById(id));
    const removed = this.#context.items.filter(({ id }) => !copy.getById(id)).map(({ id }) => id);
    this.#context = copy;
    return { added, removed };
  }

  add(item: llm.ChatItem): void {
    if (!this.#context.getById(item.id)) this.#context.insert(item);
  }

  userSaid(id: string, text: string, createdAt: number | undefined): llm.ChatMessage {
    const message = llm.ChatMessage.create({ id, role: 'user', content: text, ...(createdAt && { createdAt }) });
    this.add(message);
    return message;
  }

  /** Sets what was heard of an agent's message; a message without words is removed. */
  agentSaid(id: string, text: string, createdAt?: number): void {
    const at = this.#context.indexById(id);
    if (text.trim() === '') {
      if (at !== undefined) this.#context.items.splice(at, 1);
      return;
    }
    const message = llm.ChatMessage.create({
      id,
      role: 'assistant',
      content: text,
      ...(createdAt && { createdAt }),
    });
    if (at === undefined) this.#context.insert(message);
    else this.#context.items[at] = message;
  }
}
