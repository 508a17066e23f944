// The shape of agents/providers.yaml, the only configuration.
import { z } from 'zod';

const language = z.string().regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, 'expected a BCP 47 tag such as "en-US"');
const milliseconds = (min: number, max: number) => z.number().int().min(min).max(max);

export const configSchema = z.strictObject({
  /** Order of preference; the first provider that is available serves. */
  chains: z.strictObject({
    stt: z.array(z.string()).min(1),
    llm: z.array(z.string()).min(1),
    tts: z.array(z.string()).min(1),
  }),
  /** Model by provider; the provider's own default where absent. */
  models: z.record(z.string(), z.string()).default({}),
  /** Voice by TTS provider and language. */
  voices: z.record(z.string(), z.record(language, z.string())).default({}),
  persona: z.strictObject({ default: z.string() }),
  turns: z.strictObject({
    /** Silence before the agent answers when the end of the turn is clear. */
    minDelayMs: milliseconds(250, 5_000),
    /** Silence before the agent answers when the caller seems to go on. */
    maxDelayMs: milliseconds(250, 10_000),
    /** Speech that interrupts the agent must last so long. */
    interruptionMs: milliseconds(0, 5_000),
  }),
  worker: z.strictObject({
    /** More calls at once are left to other workers. */
    maxCalls: z.number().int().min(1).max(1_000),
    /** Call processes kept loaded for the next caller. */
    warmProcesses: z.number().int().min(1).max(64),
    /** At SIGTERM, calls may go on for so long. */
    drainMs: milliseconds(0, 24 * 3_600_000),
  }),
});

export type Config = z.output<typeof configSchema>;
