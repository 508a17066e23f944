// What the caller types is a turn like one that is spoken.
import type { voice } from '@livekit/agents';

/** Interrupts and answers; LiveKit's own would do so for an empty message too. */
export function answerTyped(
  session: Pick<voice.AgentSession, 'interrupt' | 'generateReply'>,
  { text }: { readonly text: string },
): void {
  if (text.trim() === '') return;
  session.interrupt();
  session.generateReply({ userInput: text });
}
