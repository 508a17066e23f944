// OpenAI takes ids of at most 32 characters, of items and of calls; other vendors' and our own are longer.
import { createHash } from 'node:crypto';
import { llm } from '@livekit/agents';

const LONGEST = 32;

/** The id itself up to 32 characters; otherwise a hash of it, which is always the same for the same id. */
export function shortId(id: string): string {
  return id.length <= LONGEST ? id : createHash('sha256').update(id).digest('hex').slice(0, LONGEST);
}

/** The same items with short ids; a call and its result get the same call id. */
export function withShortIds(context: llm.ChatContext): llm.ChatContext {
  return new llm.ChatContext(context.items.map(shortened));
}

function shortened(item: llm.ChatItem): llm.ChatItem {
  const isTool = item.type === 'function_call' || item.type === 'function_call_output';
  const ids = { id: shortId(item.id), ...(isTool && { callId: shortId(item.callId) }) };
  return Object.assign(Object.create(Object.getPrototypeOf(item)), item, ids);
}
