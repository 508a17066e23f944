// Where the call is, and how that is said in a headline. Pure, so that it is tested without a browser.

export type Phase = 'idle' | 'microphone' | 'connecting' | 'waiting' | 'live' | 'reconnecting';

export type AgentState = 'initializing' | 'listening' | 'thinking' | 'speaking';

export interface CallState {
  readonly phase: Phase;
  readonly agent: AgentState;
  readonly muted: boolean;
  /** False when the caller types only. */
  readonly microphone: boolean;
  /** A call was made before and is over. */
  readonly ended: boolean;
  /** The browser waits for a gesture before it plays sound. */
  readonly soundBlocked: boolean;
}

export const idleCall: CallState = {
  phase: 'idle',
  agent: 'initializing',
  muted: false,
  microphone: true,
  ended: false,
  soundBlocked: false,
};

export interface Headline {
  readonly title: string;
  readonly hint: string;
}

export function inCall({ phase }: CallState): boolean {
  return phase === 'waiting' || phase === 'live' || phase === 'reconnecting';
}

export function headline(state: CallState): Headline {
  switch (state.phase) {
    case 'idle':
      return state.ended
        ? { title: 'Call ended', hint: 'The words stay until the next call.' }
        : { title: 'Ready when you are', hint: 'The microphone is on only in a call.' };
    case 'microphone':
      return { title: 'Allow the microphone', hint: 'The browser is asking for it.' };
    case 'connecting':
      return { title: 'Connecting', hint: 'Opening the line.' };
    case 'waiting':
      return { title: 'Calling', hint: 'The agent is on its way.' };
    case 'reconnecting':
      return { title: 'Reconnecting', hint: 'The connection broke. Please stay on the line.' };
    case 'live':
      return liveHeadline(state);
  }
}

function liveHeadline({ agent, muted, microphone }: CallState): Headline {
  switch (agent) {
    case 'initializing':
      return { title: 'One moment', hint: 'The agent is getting ready.' };
    case 'thinking':
      return { title: 'Thinking', hint: 'The answer is on its way.' };
    case 'speaking':
      return {
        title: 'Speaking',
        hint: microphone && !muted ? 'Interrupt whenever you like.' : 'Listen to the answer.',
      };
    case 'listening':
      if (!microphone) return { title: 'Waiting for you', hint: 'Type what you want to say.' };
      if (muted) return { title: 'You are muted', hint: 'Unmute to speak, or type.' };
      return { title: 'Listening', hint: 'Speak naturally.' };
  }
}

/** Reads the attribute `lk.agent.state`; an unknown value counts as listening, as the call goes on. */
export function readAgentState(value: string | undefined): AgentState {
  switch (value) {
    case undefined:
    case '':
    case 'initializing':
      return 'initializing';
    case 'thinking':
    case 'speaking':
      return value;
    default:
      return 'listening';
  }
}
