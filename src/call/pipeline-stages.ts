// The three chains of a call, for a session of LiveKit's or for the last link of speech to speech.
import type { VAD } from '@livekit/agents';
import type { Links } from '../chains/links.ts';
import type { SpeechExpectation } from '../config/expectation.ts';
import type { Persona } from '../config/persona.ts';
import type { FailoverOptions } from '../failover/failover.ts';
import type { LlmChain, LlmChainOptions } from '../llm/livekit/llm-chain.ts';
import { SttChain } from '../stt/livekit/stt-chain.ts';
import { TtsChain } from '../tts/livekit/tts-chain.ts';

export interface PipelineStagesOptions {
  /** Only the links that serve `language`. */
  readonly links: Links;
  readonly persona: Persona;
  /** BCP 47. */
  readonly language: string;
  readonly vad: VAD;
  readonly failover: FailoverOptions;
  /** Makes the chain of language models. */
  createLlm(links: Links['llm'], options: LlmChainOptions): LlmChain;
}

export class PipelineStages {
  readonly stt: SttChain;
  readonly llm: LlmChain;
  readonly tts: TtsChain;
  #expectation: SpeechExpectation | undefined;

  constructor({ links, persona, language, vad, failover, createLlm }: PipelineStagesOptions) {
    const { keyPhrases, script } = persona;
    this.stt = new SttChain(links.stt, { ...failover, language, vad, ...(keyPhrases && { keyPhrases }) });
    this.llm = createLlm(links.llm, {
      ...failover,
      language,
      script,
      onExpect: (expected) => {
        this.#expectation = expected;
      },
    });
    this.tts = new TtsChain(links.tts, { ...failover, language });
  }

  /** Call when a reply is spoken: it sets the answer that the recogniser expects. Other replies may be speculative. */
  replyIsSpoken(): void {
    if (!this.#expectation) return;
    this.stt.expect(this.#expectation);
    this.#expectation = undefined;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.stt.close(), this.llm.aclose(), this.tts.close()]);
  }
}
