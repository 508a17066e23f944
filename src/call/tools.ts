// A persona's tools as LiveKit runs them.
import { createHash } from 'node:crypto';
import { llm } from '@livekit/agents';
import type { Persona } from '../config/persona.ts';
import type { AnyTool, ToolContext } from '../config/tool.ts';

/** What every tool of a call shares. */
export type CallToolContext = Omit<ToolContext, 'idempotencyKey'>;

export function toLiveKitTools(persona: Persona, context: CallToolContext): llm.ToolContextLike {
  return persona.tools.map((tool) =>
    llm.tool({
      name: tool.name,
      description: tool.description,
      parameters: tool.parameters,
      execute: async (args: unknown) => {
        context.log('info', 'tool_called', { tool: tool.name });
        const idempotencyKey = keyOf(context.callId, tool.name, args);
        try {
          return await tool.execute(args, { ...context, idempotencyKey, env: declared(tool, context.env) });
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          context.log('error', 'tool_failed', { tool: tool.name, error: message });
          throw new llm.ToolError(message);
        }
      },
    }),
  );
}

function declared({ env = [] }: AnyTool, given: ToolContext['env']): ToolContext['env'] {
  return Object.fromEntries(env.map((name) => [name, given[name]]));
}

/** By what is asked, not by the model's call id: another provider that asks for the same gives another id. */
function keyOf(callId: string, tool: string, args: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([callId, tool, args]))
    .digest('hex')
    .slice(0, 32);
}
