// What both sides said, as it was heard: an assistant's words are cut where the caller interrupted.
import { voice } from '@livekit/agents';

export interface Heard {
  readonly who: 'caller' | 'agent';
  readonly text: string;
  /** The agent was cut off; `text` holds what was played. */
  readonly interrupted: boolean;
}

/** Reports each message when it enters the conversation: the caller's at the end of the turn, the agent's once played. */
export function followConversation(session: voice.AgentSession, onHeard: (heard: Heard) => void): void {
  session.on(voice.AgentSessionEventTypes.ConversationItemAdded, ({ item }) => {
    if (item.type !== 'message' || (item.role !== 'user' && item.role !== 'assistant')) return;
    const who = item.role === 'user' ? 'caller' : 'agent';
    onHeard({ who, text: item.textContent ?? '', interrupted: item.interrupted });
  });
}
