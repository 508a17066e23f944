// The AgentSession of a call that is held speech to speech: one realtime model, which is a chain that ends with the pipeline.
import { voice } from '@livekit/agents';
import { PIPELINE } from '../config/schema.ts';
import { PipelineModel } from '../pipeline/pipeline-model.ts';
import type { RealtimeLink } from '../realtime/contract.ts';
import { AnswerTimes, OverheardChain } from './answer-times.ts';
import { GreetingLlmChain } from './greeting.ts';
import { PipelineStages } from './pipeline-stages.ts';
import { SESSION_SETTINGS, type SessionOptions } from './session.ts';

/** Sample rate of the vendors' audio and of the chain's input. */
export const REALTIME_RATE_HZ = 24_000;

/**
 * Long enough for each stage to fail over within its own deadlines before the pipeline as a whole is late: a final of the
 * recogniser, the model's first words and the voice's first sound, each after one failed provider. Between two pieces of a
 * reply the pipeline may be silent while a stage is replaced.
 */
const PIPELINE_DEADLINES = { firstHelpMs: 8_000, firstMs: 12_000, stallMs: 4_000 };

export function createSpeechToSpeechSession(options: SessionOptions): voice.AgentSession {
  const { links, language, failover, returnToRealtime, onAnswer } = options;
  const times = new AnswerTimes(REALTIME_RATE_HZ, onAnswer);
  const pipeline = pipelineLink(options);
  const session = new voice.AgentSession({
    // The models detect turns and barge-in; the pipeline has its own voice activity detection.
    vad: null,
    llm: new OverheardChain(
      (samples) => times.hear(samples),
      [...links.realtime.map((link) => linkOfCall(link, language)), pipeline.link],
      { ...failover, returnToBetter: returnToRealtime },
    ),
    turnHandling: { turnDetection: 'realtime_llm' },
    ...SESSION_SETTINGS,
  });
  session.on(voice.AgentSessionEventTypes.AgentStateChanged, ({ newState }) => {
    times.agentIs(newState);
    if (newState === 'speaking') pipeline.replyIsSpoken();
  });
  session.on(voice.AgentSessionEventTypes.Close, () => void pipeline.link.client.close());
  return session;
}

/** The link with the voice of the call's language. Its client belongs to the process and outlives the chain. */
function linkOfCall({ client, voices, ...link }: RealtimeLink, language: string): RealtimeLink {
  const voice = voiceFor(voices ?? {}, language);
  const wish = { language, ...(voice && { voice }) };
  return {
    ...link,
    client: {
      model: () => client.model(wish),
      ...(client.check && { check: client.check.bind(client) }),
      close: async () => undefined,
    },
  };
}

/** The voice of the language, or of another country's form of it. */
function voiceFor(voices: Readonly<Record<string, string>>, language: string): string | undefined {
  const base = (tag: string) => tag.split('-')[0];
  return voices[language] ?? Object.entries(voices).find(([tag]) => base(tag) === base(language))?.[1];
}

/** The three stages as one realtime model, made once, when it is first needed. */
function pipelineLink({ links, persona, language, vad, failover }: SessionOptions) {
  let made: { stages: PipelineStages; model: PipelineModel } | undefined;
  const make = () => {
    const stages = new PipelineStages({
      links,
      persona,
      language,
      vad,
      failover,
      createLlm: (llmLinks, options) => new GreetingLlmChain(llmLinks, options, persona.greeting),
    });
    const { stt, llm, tts } = stages;
    return { stages, model: new PipelineModel({ stt, llm, tts, vad, sampleRateHz: REALTIME_RATE_HZ }) };
  };
  const link: RealtimeLink = {
    id: PIPELINE,
    traits: { languages: 'any', deadlines: PIPELINE_DEADLINES },
    // Always last: the other links keep their place in the whole chain, of which some may be left out.
    priority: Number.MAX_SAFE_INTEGER,
    client: {
      model: async () => {
        made ??= make();
        return made.model;
      },
      close: async () => {
        const former = made;
        made = undefined;
        await former?.model.close();
        await former?.stages.close();
      },
    },
  };
  return { link, replyIsSpoken: () => made?.stages.replyIsSpoken() };
}
