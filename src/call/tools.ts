// A persona's tools as LiveKit runs them.
import { createHash } from 'node:crypto';
import { llm } from '@livekit/agents';
import type { Persona } from '../config/persona.ts';
import type { AnyTool, ToolContext } from '../config/tool.ts';
import type { Outbox } from './outbox.ts';

/** What every tool of a call shares. */
export interface CallToolContext extends Omit<ToolContext, 'idempotencyKey' | 'retryLater'> {
  /** Keeps what a tool could not hand over, to send it later. */
  readonly outbox: Pick<Outbox, 'put'>;
}

export function toLiveKitTools(persona: Persona, { outbox, ...context }: CallToolContext): llm.ToolContextLike {
  return persona.tools.map((tool) =>
    llm.tool({
      name: tool.name,
      description: tool.description,
      parameters: tool.parameters,
      execute: async (args: unknown) => {
        context.log('info', 'tool_called', { tool: tool.name });
        const idempotencyKey = keyOf(context.callId, tool.name, args);
        try {
          const { callId, room, caller } = context;
          const retryLater = () => {
            const nowMs = Date.now();
            const when = { sinceMs: nowMs, attempts: 0, nextMs: nowMs };
            return outbox.put({
              tool: tool.name,
              personaId: persona.id,
              args,
              callId,
              room,
              caller,
              idempotencyKey,
              ...when,
            });
          };
          return await tool.execute(args, { ...context, idempotencyKey, retryLater, env: declared(tool, context.env) });
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          context.log('error', 'tool_failed', { tool: tool.name, error: message });
          throw new llm.ToolError(message);
        }
      },
    }),
  );
}

/** The environment variables that the tool declares. */
export function declared({ env = [] }: AnyTool, given: ToolContext['env']): ToolContext['env'] {
  return Object.fromEntries(env.map((name) => [name, given[name]]));
}

/** Made from the request, not from the model's call id: another provider gives the same request another id. */
function keyOf(callId: string, tool: string, args: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([callId, tool, args]))
    .digest('hex')
    .slice(0, 32);
}
