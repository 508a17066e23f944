// Takes a message for a person: kept in the journal of this worker.
import { z } from 'zod';
import { defineTool } from '../../src/index.ts';
import { once } from './once.ts';

export const takeMessage = defineTool({
  name: 'take_message',
  description:
    'Stores a message for a colleague, who will call back. Ask for the name, the telephone number and the reason first, ' +
    'one at a time, and read the number back. Call it once.',
  parameters: z.object({
    name: z.string().min(1).describe("The caller's name"),
    number: z.string().min(1).describe('The telephone number to call back, digits only'),
    reason: z.string().min(1).describe('What it is about, in the words of the caller'),
  }),
  execute({ name, number, reason }, context) {
    const { idempotencyKey, caller } = context;
    return once(context, async () => {
      const callerNumber = caller.phoneNumber;
      // Readers of the journal count entries with the same key once.
      await context.record('message', { name, number, reason, ...(callerNumber && { callerNumber }), idempotencyKey });
      return { status: 'stored', note: 'A colleague will read it and call back.' };
    });
  },
});
