// The agent's last messages: what the conversation is to hold of them, and who gave their parts.
import type { Conversation } from './conversation.ts';
import type { Message, PartOrigin } from './reply.ts';

/** Number of messages that the owner may still truncate. */
const KEPT = 20;

export class SaidMessages {
  readonly #parts = new Map<string, readonly PartOrigin[]>();
  /** Messages that are not in the conversation yet. */
  readonly #open = new Set<Message>();

  add(message: Message): void {
    this.#parts.delete(message.id);
    this.#parts.set(message.id, message.parts);
    this.#open.add(message);
    const [oldest] = this.#parts.keys();
    if (this.#parts.size > KEPT && oldest !== undefined) this.#parts.delete(oldest);
  }

  /** Call when the reply is over: puts what was said of its messages into the conversation. */
  tell(conversation: Conversation): void {
    for (const { id, said } of this.#open) conversation.agentSaid(id, said);
    this.#open.clear();
  }

  /** The last part that session `owner` gave of a message. */
  partOf(messageId: string, owner: object): PartOrigin | undefined {
    return this.#parts.get(messageId)?.findLast((part) => part.owner === owner);
  }
}
