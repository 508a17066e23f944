// The shape of agents/providers.yaml, the only configuration.
import { z } from 'zod';

const language = z.string().regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, 'expected a BCP 47 tag such as "en-US"');
const milliseconds = (min: number, max: number) => z.number().int().min(min).max(max);

/** A provider, or several of equal rank that take turns. */
const chain = z.array(z.union([z.string(), z.array(z.string()).min(2)])).min(1);
/** Stands for the three chains of recognition, language model and voice within the chain of speech to speech. */
export const PIPELINE = 'pipeline';
const realtimeChain = chain
  .default(['gemini-live', 'openai-realtime', PIPELINE])
  .superRefine((links, context) => {
    const place = links.findIndex((entry) => [entry].flat().includes(PIPELINE));
    if (place < 0 || (place === links.length - 1 && links[place] === PIPELINE)) return;
    context.addIssue({ code: 'custom', path: [place], message: `"${PIPELINE}" stands alone and last, or not at all` });
  })
  // The pipeline is always added, so that a call is never left without a provider that could serve.
  .transform((links) => (links.at(-1) === PIPELINE ? links : [...links, PIPELINE]));
const byProvider = z.record(z.string(), z.string()).default({});
const count = (max: number) => z.number().int().min(1).max(max);

export const configSchema = z.strictObject({
  /** Order of preference; the first provider that is available serves. */
  chains: z.strictObject({
    stt: chain,
    llm: chain,
    tts: chain,
    /** Speech to speech; its last link is always the pipeline of the three others. */
    realtime: realtimeChain,
  }),
  /** Model by stage and provider; the provider's own default where absent. */
  models: z.strictObject({ stt: byProvider, llm: byProvider, tts: byProvider, realtime: byProvider }).prefault({}),
  /** Voice by provider (TTS or speech to speech) and language. */
  voices: z.record(z.string(), z.record(language, z.string())).default({}),
  failover: z
    .strictObject({
      breaker: z
        .strictObject({
          /** Failures in a row that open the breaker. */
          failures: count(100).default(5),
          openMs: milliseconds(1_000, 3_600_000).default(60_000),
          /** Calls at once that may try whether the provider is well again. */
          trials: count(100).default(3),
          /** Successes in a row that close the breaker. */
          successes: count(100).default(2),
        })
        .prefault({}),
      /** Time after which a failed provider without a free check is tried again. */
      uncheckedMs: milliseconds(1_000, 3_600_000).default(30_000),
      checkEveryMs: milliseconds(1_000, 3_600_000).default(30_000),
      /** How long a provider must be well before a call returns to its voice. */
      voiceReturnMs: milliseconds(0, 3_600_000).default(60_000),
      /** Whether a call that left a speech-to-speech provider for the next one, or for the pipeline, returns once it is well. */
      returnToRealtime: z.boolean().default(false),
      /** Share of all starts in which a second provider may be started beside a late one, and beyond it three a minute beside very late ones; 0 = never. */
      hedgeShare: z.number().min(0).max(1).default(0.05),
      /** How providers of equal rank are ordered; in turn where absent. */
      orderBy: z.enum(['cost', 'quality', 'region', 'load']).optional(),
      /** Where this worker is, for `orderBy: region`: us, eu, local. */
      region: z.string().optional(),
      /** Last resorts besides the free engines: they serve when all others have failed, never beside one that is late. */
      reserve: z.array(z.string()).default([]),
      /** The provider to ask next when a provider fails, whatever the order says. */
      fallbackTo: byProvider,
    })
    .prefault({}),
  persona: z.strictObject({ default: z.string() }),
  turns: z.strictObject({
    /** Silence before the agent answers when the end of the turn is clear. */
    minDelayMs: milliseconds(250, 5_000),
    /** Silence before the agent answers when the caller seems to go on. */
    maxDelayMs: milliseconds(250, 10_000),
    /** How long speech must last to interrupt the agent. */
    interruptionMs: milliseconds(0, 5_000),
  }),
  /** What happens when every provider of a stage failed. */
  lastResort: z
    .strictObject({
      /** The caller hears a recorded sentence at once, and again at this interval. */
      repeatMs: milliseconds(1_000, 60_000).default(8_000),
      /** How long the call is kept while the providers are tried; then it is ended. */
      giveUpMs: milliseconds(1_000, 600_000).default(30_000),
      /** Before the end, the caller may leave a message, which is recorded. */
      takeMessage: z.boolean().default(true),
    })
    .prefault({}),
  /** How long a call may be, and how much may be typed in it. */
  calls: z
    .strictObject({
      /** Longest call; then the agent says goodbye and ends it. */
      maxMs: milliseconds(10_000, 24 * 3_600_000).default(3_600_000),
      /** After this silence of both sides the caller is asked whether they are still there; after as long again the call ends. */
      silenceMs: milliseconds(5_000, 3_600_000).default(60_000),
      /** Longest message that the caller may type; a longer one is not read. */
      typedChars: z.number().int().min(1).max(100_000).default(2_000),
    })
    .prefault({}),
  worker: z.strictObject({
    /** Most calls at once; further calls are left to other workers. */
    maxCalls: z.number().int().min(1).max(1_000),
    /** Call processes kept loaded for the next caller. */
    warmProcesses: z.number().int().min(1).max(64),
    /** How long calls may go on after SIGTERM. */
    drainMs: milliseconds(0, 24 * 3_600_000),
    /** A call process that takes more memory (RSS) than this is ended, before it takes memory from the other calls. */
    callMegabytes: z.number().int().min(200).max(65_536).default(1_000),
  }),
});

export type Config = z.output<typeof configSchema>;
