// The AgentSession of a call by three stages: turns, barge-in and preemptive generation are LiveKit's, with our chains as its stages.
import { type VAD, voice } from '@livekit/agents';
import type { Links } from '../chains/links.ts';
import type { Persona } from '../config/persona.ts';
import type { Config } from '../config/schema.ts';
import type { FailoverOptions } from '../failover/failover.ts';
import { LlmChain } from '../llm/livekit/llm-chain.ts';
import { endpointingDelayMs, GradedTurnDetector } from './graded-endpointing.ts';
import { PipelineStages } from './pipeline-stages.ts';

export interface SessionOptions {
  /** Only the links that serve `language`. */
  readonly links: Links;
  readonly persona: Persona;
  /** BCP 47. */
  readonly language: string;
  readonly turns: Config['turns'];
  readonly vad: VAD;
  readonly failover: FailoverOptions;
  /** Whether the call returns to a better speech-to-speech provider. */
  readonly returnToRealtime: boolean;
  /** Called in speech to speech with the time in ms after which a turn was answered. */
  onAnswer(ms: number): void;
}

/** Settings of every call's session, whatever its mode. */
export const SESSION_SETTINGS = {
  // The default keeps the caller's words from the recogniser during the first 3 s of the agent's speech.
  aecWarmupDuration: null,
  userAwayTimeout: null,
  // A provider's errors never end a call.
  connOptions: { maxUnrecoverableErrors: Number.POSITIVE_INFINITY },
};

export function createSession(options: SessionOptions): voice.AgentSession {
  const { turns, vad } = options;
  const stages = new PipelineStages({ ...options, createLlm: (links, given) => new LlmChain(links, given) });
  const { stt, llm, tts } = stages;
  const session: voice.AgentSession = new voice.AgentSession({
    vad,
    stt,
    llm,
    tts,
    turnHandling: {
      turnDetection: new GradedTurnDetector((probability) => {
        const maxDelay = endpointingDelayMs(probability, turns.minDelayMs, turns.maxDelayMs);
        session.updateOptions({ turnHandling: { endpointing: { maxDelay } } });
      }),
      endpointing: { minDelay: turns.minDelayMs, maxDelay: turns.maxDelayMs },
      // 'vad': the default mode asks LiveKit's cloud.
      interruption: { mode: 'vad', minDuration: turns.interruptionMs },
      preemptiveGeneration: { enabled: true, preemptiveTts: true },
    },
    ...SESSION_SETTINGS,
  });
  session.on(voice.AgentSessionEventTypes.AgentStateChanged, ({ newState }) => {
    if (newState === 'speaking') stages.replyIsSpoken();
  });
  return session;
}
