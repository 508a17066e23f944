// Tells a session what was said elsewhere, and finds out whether it took it: plugins pass over what a vendor refuses.
import { llm } from '@livekit/agents';
import type { RealtimeAdapter } from '../adapter-contract.ts';

export interface ItemsToTake {
  readonly added: readonly llm.ChatItem[];
  readonly removed: readonly string[];
  /** Ids of calls that this session made itself: it accepts their results as tool results. */
  readonly ownCalls: ReadonlySet<string>;
}

/** Sends the items; refused ones are sent once more. @returns 'late' where the plugin saw no answer in its own time */
export async function takeItems(
  session: llm.RealtimeSession,
  adapter: RealtimeAdapter,
  { added, removed, ownCalls }: ItemsToTake,
): Promise<'taken' | 'refused' | 'late'> {
  const isOwn = (item: llm.ChatItem) => item.type === 'function_call_output' && ownCalls.has(item.callId);
  const foreign = adapter.toHistory(new llm.ChatContext(added.filter((item) => !isOwn(item))));
  const wanted = [...added.filter(isOwn), ...foreign.items];
  const isTimely = await tell(session, wanted, removed.map(adapter.toId ?? ((id) => id)));
  const refused = lacking(session, adapter, wanted);
  if (refused.length === 0) return 'taken';
  if (!isTimely) return 'late';
  // Items that follow a refused one are not added either.
  const again = inContext(session, adapter, refused);
  await tell(session, again, []);
  return lacking(session, adapter, again).length === 0 ? 'taken' : 'refused';
}

async function tell(
  session: llm.RealtimeSession,
  added: readonly llm.ChatItem[],
  removed: readonly string[],
): Promise<boolean> {
  const context = session.chatCtx.copy();
  context.items = context.items.filter(({ id }) => !removed.includes(id));
  context.items.push(...added.filter(({ id }) => !context.getById(id)));
  return session.updateChatCtx(context).then(
    () => true,
    () => false,
  );
}

function lacking(
  { chatCtx }: llm.RealtimeSession,
  { confirmsItems }: RealtimeAdapter,
  wanted: readonly llm.ChatItem[],
) {
  return confirmsItems ? wanted.filter((item) => isTold(item) && !chatCtx.getById(item.id)) : [];
}

/** Whether a vendor is sent the item: not changes of configuration, agent hand-overs or messages without words. */
function isTold(item: llm.ChatItem): boolean {
  if (item.type === 'message') return (item.textContent ?? '') !== '';
  return item.type === 'function_call' || item.type === 'function_call_output';
}

/** Replaces each result whose call the session does not know by a message in words. */
function inContext({ chatCtx }: llm.RealtimeSession, { inWords }: RealtimeAdapter, refused: readonly llm.ChatItem[]) {
  const known = [...chatCtx.items, ...refused];
  const calls = new Set(known.flatMap((item) => (item.type === 'function_call' ? item.callId : [])));
  return refused.map((item) =>
    inWords && item.type === 'function_call_output' && !calls.has(item.callId) ? inWords(item) : item,
  );
}
