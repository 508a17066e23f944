// What the tests of the scripted assistant share: its client, a conversation, and a persona with a simple tool.
import { z } from 'zod';
import support from '../../../../agents/support.ts';
import { definePersona, type Persona } from '../../../../src/config/persona.ts';
import { defineTool } from '../../../../src/config/tool.ts';
import { freeLlm } from '../../../../src/llm/providers/free-llm/free-llm.ts';
import { Conversation, type RunTool } from '../../support/converse.ts';

export const client = freeLlm.create({ env: {} });
export const started = (persona: Persona = support, runTool?: RunTool) => new Conversation(client, persona, runTool);

/** Says the lines one after another and gives the last reply. */
export async function play(conversation: Conversation, ...lines: readonly string[]) {
  let said = await conversation.say(lines[0] ?? '');
  for (const line of lines.slice(1)) said = await conversation.say(line);
  return said;
}

/** A persona whose tool is called without a question. */
export const bell = definePersona({
  ...support,
  id: 'bell',
  tools: [
    ...support.tools,
    defineTool({
      name: 'ring',
      description: 'Rings.',
      parameters: z.object({ how: z.string() }),
      execute: async () => ({}),
    }),
  ],
  script: {
    ...support.script,
    actions: [
      ...support.script.actions,
      {
        id: 'ring',
        when: ['ring the bell'],
        offer: 'Shall I ring?',
        questions: [],
        tool: 'ring',
        arguments: { how: 'loudly' },
        done: 'It rang {times} times. I heard it {unknown}.',
        failed: 'It does not ring.',
      },
    ],
  },
});
