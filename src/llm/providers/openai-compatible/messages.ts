// A request's messages and tools as OpenAI's chat completions want them.
import type OpenAI from 'openai';
import type { LlmRequest, LlmTool } from '../../contract.ts';
import { type AnsweredCall, dialogueTurns } from '../dialogue-turns.ts';

type ChatMessage = OpenAI.Chat.Completions.ChatCompletionMessageParam;
type ChatTool = OpenAI.Chat.Completions.ChatCompletionTool;

export function toChatMessages(request: Pick<LlmRequest, 'messages' | 'continueFrom'>): ChatMessage[] {
  const chat: ChatMessage[] = [];
  for (const turn of dialogueTurns(request)) {
    if (turn.role === 'calls') addCalls(chat, turn.calls);
    else chat.push({ role: turn.role, content: turn.text });
  }
  return chat;
}

/** Adds one assistant message with the text before the calls and the calls, followed at once by their results. */
function addCalls(chat: ChatMessage[], calls: readonly AnsweredCall[]): void {
  const toolCalls = calls.map(({ call: { id, name, arguments: args } }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: args },
  }));
  const before = chat.at(-1);
  if (before?.role === 'assistant' && !before.tool_calls) before.tool_calls = toolCalls;
  else chat.push({ role: 'assistant', content: null, tool_calls: toolCalls });
  for (const { call, output, isError } of calls) {
    chat.push({ role: 'tool', tool_call_id: call.id, content: isError ? `Error: ${output}` : output });
  }
}

export function toChatTools(tools: readonly LlmTool[]): ChatTool[] {
  return tools.map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description, parameters: { ...parameters } },
  }));
}
