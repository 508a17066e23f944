// A request's messages and tools as the Gemini API wants them.
import type { Content, FunctionCallingConfigMode, FunctionDeclaration, Part } from '@google/genai';
import type { LlmRequest, LlmTool, LlmToolCall } from '../../contract.ts';
import { type AnsweredCall, dialogueTurns } from '../dialogue-turns.ts';

export interface GeminiDialogue {
  readonly contents: Content[];
  readonly systemInstruction: string | undefined;
}

/** Placeholder for a turn of the user that Gemini requires and that is missing. */
const NO_WORDS: Part = { text: '.' };
const MODES = { auto: 'AUTO', none: 'NONE', required: 'ANY' } as const;

/**
 * Merges consecutive turns of one role, ends with a turn of the user, and puts a turn of the user before a call: Gemini refuses
 * anything else.
 * @param signatureOf what Gemini thought when it made the call, to be sent back with it
 */
export function toDialogue(
  request: Pick<LlmRequest, 'messages' | 'continueFrom'>,
  signatureOf: (callId: string) => string | undefined,
): GeminiDialogue {
  const contents: Content[] = [];
  const instructions: string[] = [];
  const add = (role: 'user' | 'model', parts: readonly Part[]) => {
    const last = contents.at(-1);
    if (last?.role === role) last.parts?.push(...parts);
    else contents.push({ role, parts: [...parts] });
  };
  for (const turn of dialogueTurns(request)) {
    if (turn.role === 'system') {
      instructions.push(turn.text);
    } else if (turn.role === 'calls') {
      if (contents.length === 0 || (contents.length === 1 && contents[0]?.role === 'model')) {
        contents.unshift({ role: 'user', parts: [NO_WORDS] });
      }
      add(
        'model',
        turn.calls.map((answered) => callPart(answered, signatureOf)),
      );
      add('user', turn.calls.map(responsePart));
    } else {
      add(turn.role === 'assistant' ? 'model' : 'user', [{ text: turn.text }]);
    }
  }
  if (contents.at(-1)?.role !== 'user') add('user', [NO_WORDS]);
  return { contents, systemInstruction: instructions.length > 0 ? instructions.join('\n\n') : undefined };
}

export function toDeclarations(tools: readonly LlmTool[]): FunctionDeclaration[] {
  return tools.map(({ name, description, parameters: { $schema: _, ...schema } }) => ({
    name,
    description,
    // A tool without parameters gets no schema: Gemini refuses an object without properties.
    ...(Object.keys((schema.properties as object | undefined) ?? {}).length > 0 && { parametersJsonSchema: schema }),
  }));
}

export function toMode(choice: LlmRequest['toolChoice']): FunctionCallingConfigMode {
  return MODES[choice] as FunctionCallingConfigMode;
}

function callPart({ call }: AnsweredCall, signatureOf: (callId: string) => string | undefined): Part {
  const thoughtSignature = signatureOf(call.id);
  return {
    functionCall: { id: call.id, name: call.name, args: argumentsOf(call) },
    ...(thoughtSignature !== undefined && { thoughtSignature }),
  };
}

function responsePart({ call, output, isError }: AnsweredCall): Part {
  const response = isError ? { error: output } : { output };
  return { functionResponse: { id: call.id, name: call.name, response } };
}

/** A call in the conversation may come from a plugin that did not check the arguments that its model wrote. */
function argumentsOf(call: LlmToolCall): Record<string, unknown> {
  try {
    return JSON.parse(call.arguments || '{}') as Record<string, unknown>;
  } catch {
    return {};
  }
}
