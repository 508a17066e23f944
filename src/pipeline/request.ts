// The conversation as the pipeline's language model is given it.
import { llm } from '@livekit/agents';
import { CONTINUATION_PROMPT } from '../text/continuation-prompt.ts';

/** Result for a call whose tool still runs: models want a result with each call and would otherwise call again. */
const NO_RESULT_YET = 'No result yet.';

/**
 * @param instructions of the session: first
 * @param asked for this reply alone: last, where it weighs most, and where a request to go on from a begun reply must stand
 */
export function requestOf(
  conversation: llm.ChatContext,
  instructions: string | undefined,
  asked: string | undefined,
): llm.ChatContext {
  const answered = new Set(
    conversation.items.flatMap((item) => (item.type === 'function_call_output' ? item.callId : [])),
  );
  const items: llm.ChatItem[] = [];
  // An AgentSession's own copy of the instructions may be in the conversation that it hands over.
  if (instructions) items.push(system(instructions));
  for (const item of conversation.items) {
    if (item.type === 'message' && item.role === 'system' && item.textContent === instructions) continue;
    items.push(item);
    if (item.type !== 'function_call' || answered.has(item.callId)) continue;
    const { callId, name } = item;
    items.push(llm.FunctionCallOutput.create({ callId, name, output: NO_RESULT_YET, isError: false }));
  }
  // A message of the user, as the chain of language models takes it: the reply continues the message before.
  if (asked === CONTINUATION_PROMPT) items.push(llm.ChatMessage.create({ role: 'user', content: [asked] }));
  else if (asked) items.push(system(asked));
  return new llm.ChatContext(items);
}

function system(text: string): llm.ChatMessage {
  return llm.ChatMessage.create({ role: 'system', content: [text] });
}
