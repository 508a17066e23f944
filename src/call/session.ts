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
  /** Those that serve the language. */
  readonly links: Links;
  readonly persona: Persona;
  /** BCP 47. */
  readonly language: string;
  readonly turns: Config['turns'];
  readonly vad: VAD;
  readonly failover: FailoverOptions;
  /** Whether a better speech-to-speech provider is gone back to. */
  readonly returnToRealtime: boolean;
  /** After how many milliseconds a turn was answered, in speech to speech. */
  onAnswer(ms: number): void;
}

/** Of every call's session, whatever its mode. */
export const SESSION_SETTINGS = {
  // Its default withholds the caller's words from recognition during the first 3 s that the agent speaks.
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
