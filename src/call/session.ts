// The AgentSession of a call: turns, barge-in and preemptive generation are LiveKit's, with our chains as its stages.
import { type VAD, voice } from '@livekit/agents';
import type { SpeechExpectation } from '../config/expectation.ts';
import type { Persona } from '../config/persona.ts';
import type { Config } from '../config/schema.ts';
import type { FailoverOptions } from '../failover/failover.ts';
import { LlmChain } from '../llm/livekit.ts';
import { SttChain } from '../stt/livekit.ts';
import { TtsChain } from '../tts/livekit.ts';
import { endpointingDelayMs, GradedTurnDetector } from './graded-endpointing.ts';
import type { Links } from './stages.ts';

export interface SessionOptions {
  /** Those that serve the language. */
  readonly links: Links;
  readonly persona: Persona;
  /** BCP 47. */
  readonly language: string;
  readonly turns: Config['turns'];
  readonly vad: VAD;
  readonly failover: FailoverOptions;
}

export function createSession(options: SessionOptions): voice.AgentSession {
  const { links, persona, language, turns, vad, failover } = options;
  let expectation: SpeechExpectation | undefined;
  const stt = new SttChain(links.stt, {
    ...failover,
    language,
    vad,
    ...(persona.keyPhrases && { keyPhrases: persona.keyPhrases }),
  });
  const llm = new LlmChain(links.llm, {
    ...failover,
    language,
    script: persona.script,
    onExpect: (expected) => {
      expectation = expected;
    },
  });
  const session: voice.AgentSession = new voice.AgentSession({
    vad,
    stt,
    llm,
    tts: new TtsChain(links.tts, { ...failover, language }),
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
    // Its default withholds the caller's words from recognition during the first 3 s that the agent speaks.
    aecWarmupDuration: null,
    userAwayTimeout: null,
    // A provider's errors never end a call.
    connOptions: { maxUnrecoverableErrors: Number.POSITIVE_INFINITY },
  });
  session.on(voice.AgentSessionEventTypes.AgentStateChanged, ({ newState }) => {
    // Replies may be speculative; the one that is spoken sets what the caller is expected to answer.
    if (newState !== 'speaking' || !expectation) return;
    stt.expect(expectation);
    expectation = undefined;
  });
  return session;
}
