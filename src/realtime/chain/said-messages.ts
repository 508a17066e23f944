// The agent's last messages: what the conversation is to hold of them, and who gave their parts.
import type { Conversation } from './conversation.ts';
import type { Message, PartOrigin } from './reply.ts';

/** Messages that the owner may still cut. */
const KEPT = 20;

export class SaidMessages {
  readonly #parts = new Map<string, readonly PartOrigin[]>();
  /** Not in the conversation yet. */
  readonly #open = new Set<Message>();

  add(message: Message): void {
    this.#parts.delete(message.id);
    this.#parts.set(message.id, message.parts);
    this.#open.add(message);
    const [oldest] = this.#parts.keys();
    if (this.#parts.size > KEPT && oldest !== undefined) this.#parts.delete(oldest);
  }

  /** Their reply is over: the conversation holds what was said of them. */
  tell(conversation: Conversation): void {
    for (const { id, said } of this.#open) conversation.agentSaid(id, said);
    this.#open.clear();
  }

  /** The last part of a message that this session gave. */
  partOf(messageId: string, owner: object): PartOrigin | undefined {
    return this.#parts.get(messageId)?.findLast((part) => part.owner === owner);
  }
}
