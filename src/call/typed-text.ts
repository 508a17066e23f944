// What the caller types is a turn like one that is spoken.
import type { voice } from '@livekit/agents';

/**
 * A handler that interrupts the agent and answers the text. LiveKit's own does so for empty and for overlong messages too.
 * @param onTooLong told where the message is longer than it may be: nothing of it is read
 */
export function typedTextReader(maxChars: number, onTooLong: () => void) {
  return (
    session: Pick<voice.AgentSession, 'interrupt' | 'generateReply'>,
    { text }: { readonly text: string },
  ): void => {
    if (text.trim() === '') return;
    if (text.length > maxChars) {
      onTooLong();
      return;
    }
    session.interrupt();
    session.generateReply({ userInput: text });
  };
}
