// A typed message interrupts and is answered; an empty one does neither.
import type { voice } from '@livekit/agents';
import { expect, it } from 'vitest';
import { typedTextReader } from '../../src/call/typed-text.ts';

function listener() {
  const did: string[] = [];
  const session = {
    interrupt: () => void did.push('interrupt'),
    generateReply: ({ userInput }: { userInput: string }) => void did.push(`reply to ${userInput}`),
  };
  const read = typedTextReader(20, () => void did.push('too long'));
  return { did, read, session: session as unknown as voice.AgentSession };
}

it('interrupts and is answered', () => {
  const { did, read, session } = listener();
  read(session, { text: 'when are you open' });
  expect(did).toEqual(['interrupt', 'reply to when are you open']);
});

it.each(['', ' ', '\n\t '])('9. malformed: is nothing where it is empty: %j', (text) => {
  const { did, read, session } = listener();
  read(session, { text });
  expect(did).toEqual([]);
});

it('is not read where it is longer than it may be, which is told', () => {
  const { did, read, session } = listener();
  read(session, { text: 'x'.repeat(21) });
  expect(did).toEqual(['too long']);
});
