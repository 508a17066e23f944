// Our messages and tools as OpenAI's chat completions want them.
import type OpenAI from 'openai';
import type { LlmMessage, LlmTool, LlmToolCall } from './contract.ts';

type ChatMessage = OpenAI.Chat.Completions.ChatCompletionMessageParam;
type ChatTool = OpenAI.Chat.Completions.ChatCompletionTool;
type ToolResult = Extract<LlmMessage, { role: 'tool-result' }>;

/** What stands for a result that is not there: the API refuses a call without one. */
const NO_RESULT = 'No result: the call was interrupted.';

/**
 * Calls in a row are one assistant message (with the text before them), followed by their results at once, in the order
 * of the calls: the API refuses anything else. A result without its call is left out.
 */
export function toChatMessages(messages: readonly LlmMessage[]): ChatMessage[] {
  const results = new Map<string, ToolResult>();
  for (const message of messages) if (message.role === 'tool-result') results.set(message.callId, message);
  const chat: ChatMessage[] = [];
  let calls: LlmToolCall[] = [];
  const flushCalls = () => {
    if (calls.length > 0) addCalls(chat, calls, results);
    calls = [];
  };
  for (const message of messages) {
    if (message.role === 'tool-call') {
      calls.push(message.call);
      continue;
    }
    flushCalls();
    if (message.role !== 'tool-result' && message.text !== '') {
      chat.push({ role: message.role, content: message.text });
    }
  }
  flushCalls();
  return chat;
}

function addCalls(chat: ChatMessage[], calls: readonly LlmToolCall[], results: ReadonlyMap<string, ToolResult>): void {
  const toolCalls = calls.map(({ id, name, arguments: args }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: args },
  }));
  const before = chat.at(-1);
  if (before?.role === 'assistant' && !before.tool_calls) before.tool_calls = toolCalls;
  else chat.push({ role: 'assistant', content: null, tool_calls: toolCalls });
  for (const { id } of calls) {
    const result = results.get(id);
    const content = result ? (result.isError ? `Error: ${result.output}` : result.output) : NO_RESULT;
    chat.push({ role: 'tool', tool_call_id: id, content });
  }
}

export function toChatTools(tools: readonly LlmTool[]): ChatTool[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters: { ...parameters } },
  }));
}
