// A typed message interrupts and is answered; an empty one does neither.
import type { voice } from '@livekit/agents';
import { expect, it } from 'vitest';
import { answerTyped } from '../../src/call/typed-text.ts';

function listener() {
  const did: string[] = [];
  const session = {
    interrupt: () => void did.push('interrupt'),
    generateReply: ({ userInput }: { userInput: string }) => void did.push(`reply to ${userInput}`),
  };
  return { did, session: session as unknown as voice.AgentSession };
}

it('interrupts and is answered', () => {
  const { did, session } = listener();
  answerTyped(session, { text: 'when are you open' });
  expect(did).toEqual(['interrupt', 'reply to when are you open']);
});

it.each(['', ' ', '\n\t '])('9. malformed: is nothing where it is empty: %j', (text) => {
  const { did, session } = listener();
  answerTyped(session, { text });
  expect(did).toEqual([]);
});
