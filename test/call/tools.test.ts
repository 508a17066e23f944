// What a tool is given of the call and of the environment.
import { expect, it } from 'vitest';
import { z } from 'zod';
import sales from '../../agents/sales.ts';
import { toLiveKitTools } from '../../src/call/tools.ts';
import { defineTool } from '../../src/config/tool.ts';
import { toolContext } from '../agents/tool-context.ts';

it('a tool sees the environment variables that it declares, and no others', async () => {
  const seen: unknown[] = [];
  const tool = (name: string, env?: string[]) =>
    defineTool({
      name,
      description: name,
      parameters: z.object({}),
      ...(env && { env }),
      execute: async (_args, context) => void seen.push(context.env),
    });
  const persona = { ...sales, tools: [tool('one', ['CRM_KEY', 'ABSENT']), tool('two')] };
  const context = toolContext({ env: { CRM_KEY: 'crm', OPENAI_API_KEY: 'secret', LIVEKIT_API_SECRET: 'secret' } });
  const tools = toLiveKitTools(persona, { ...context, outbox: { put: async () => undefined } }) as unknown as {
    execute(args: object, how: object): Promise<unknown>;
  }[];
  for (const { execute } of tools) await execute({}, {});
  expect(seen).toEqual([{ CRM_KEY: 'crm', ABSENT: undefined }, {}]);
});
