// The conversation as models' interfaces want it: each call with its result beside it, and a begun reply at the end.
import { CONTINUATION_PROMPT } from '../../text/continuation-prompt.ts';
import type { LlmMessage, LlmRequest, LlmToolCall } from '../contract.ts';

export interface AnsweredCall {
  readonly call: LlmToolCall;
  readonly output: string;
  readonly isError: boolean;
}

export type DialogueTurn =
  | { readonly role: 'system' | 'user' | 'assistant'; readonly text: string }
  /** Tool calls that the model requested at once, with their results. */
  | { readonly role: 'calls'; readonly calls: readonly AnsweredCall[] };

type ToolResult = Extract<LlmMessage, { role: 'tool-result' }>;

/** Takes the place of a missing result: the vendors refuse a call without one. */
const NO_RESULT = 'No result: the call was interrupted.';

/**
 * Groups consecutive calls and their results into one turn, in the order of the calls: vendors refuse anything else. A result
 * without its call is left out, and so is a message without words.
 */
export function dialogueTurns({ messages, continueFrom }: Pick<LlmRequest, 'messages' | 'continueFrom'>) {
  const results = new Map<string, ToolResult>();
  for (const message of messages) if (message.role === 'tool-result') results.set(message.callId, message);
  const turns: DialogueTurn[] = [];
  let calls: AnsweredCall[] = [];
  const flushCalls = () => {
    if (calls.length > 0) turns.push({ role: 'calls', calls });
    calls = [];
  };
  for (const message of messages) {
    if (message.role === 'tool-call') {
      const { output = NO_RESULT, isError = false } = results.get(message.call.id) ?? {};
      calls.push({ call: message.call, output, isError });
      continue;
    }
    flushCalls();
    if (message.role !== 'tool-result' && message.text !== '') turns.push({ role: message.role, text: message.text });
  }
  flushCalls();
  const begun = continueFrom?.trimEnd();
  if (begun) turns.push({ role: 'assistant', text: begun }, { role: 'user', text: CONTINUATION_PROMPT });
  return turns;
}
