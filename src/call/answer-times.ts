// How long the caller waits in speech to speech: from their last sound to the agent's first, as no model tells it.
import type { voice } from '@livekit/agents';
import { SpeechGate } from '../audio/speech-gate.ts';
import { type Clock, systemClock } from '../failover/clock.ts';
import { RealtimeChain } from '../realtime/livekit/realtime-chain.ts';

/** The speech gate reports the end of speech this much after it. */
const GATE_MS = 200;
const KEPT_MS = 1_000;

export class AnswerTimes {
  readonly #gate: SpeechGate;
  readonly #onAnswer: (ms: number) => void;
  readonly #clock: Pick<Clock, 'now'>;
  #wasSpeech = false;
  #endedMs: number | undefined;
  #isAgentHeard = false;

  constructor(sampleRateHz: number, onAnswer: (ms: number) => void, clock: Pick<Clock, 'now'> = systemClock) {
    this.#gate = new SpeechGate(sampleRateHz, KEPT_MS);
    this.#onAnswer = onAnswer;
    this.#clock = clock;
  }

  /** Takes the caller's audio as it arrives: mono PCM16. */
  hear(samples: Int16Array): void {
    this.#gate.write(samples);
    const { isSpeech } = this.#gate;
    if (isSpeech) this.#endedMs = undefined;
    // Speech during the agent's speech that does not stop the agent is not a turn.
    else if (this.#wasSpeech && !this.#isAgentHeard) this.#endedMs = this.#clock.now() - GATE_MS;
    this.#wasSpeech = isSpeech;
  }

  /** Call with every new state of the agent. */
  agentIs(state: voice.AgentState): void {
    this.#isAgentHeard = state === 'speaking';
    if (!this.#isAgentHeard || this.#endedMs === undefined) return;
    this.#onAnswer(Math.round(this.#clock.now() - this.#endedMs));
    this.#endedMs = undefined;
  }
}

/** A chain that also passes the caller's audio to a listener. */
export class OverheardChain extends RealtimeChain {
  readonly #hear: (samples: Int16Array) => void;

  constructor(hear: (samples: Int16Array) => void, ...chain: ConstructorParameters<typeof RealtimeChain>) {
    super(...chain);
    this.#hear = hear;
  }

  override session(): ReturnType<RealtimeChain['session']> {
    const session = super.session();
    const push = session.pushAudio.bind(session);
    session.pushAudio = (frame) => {
      this.#hear(frame.data);
      push(frame);
    };
    return session;
  }
}
