// The vendors of calls that are held speech to speech, and what they answer.
import { withToldHistory } from '../../../fixtures/told-history.ts';
import { startCartesia } from '../../../fixtures/vendors/cartesia.ts';
import { startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { startGeminiLive } from '../../../fixtures/vendors/gemini-live.ts';
import type { GeminiContent } from '../../../fixtures/vendors/gemini-protocol.ts';
import { startOpenAiRealtime } from '../../../fixtures/vendors/openai-realtime.ts';
import { startOpenRouter } from '../../../fixtures/vendors/openrouter.ts';
import type { ScriptedReply } from '../../../fixtures/vendors/scripted-reply.ts';
import { habitsBySeed } from '../../support/habits-by-seed.ts';

export type RealtimeVendors = Awaited<ReturnType<typeof startRealtimeVendors>>;

/** @param heard the caller's last words @param results of tools, in order */
export type Script = (heard: string, results: readonly string[]) => ScriptedReply;

export const GREETING = [30, 31];
/** Follow the echo of the caller's words, so that a reply is long enough to be broken in its middle. */
export const TAIL = [20, 21, 22];
/** So many times as fast as they are heard, replies come: some of it is still to come when it breaks. */
const SPEED = 2;

export const say = (words: readonly number[]): ScriptedReply => ({
  text: words.map((word, position) => (position === 0 ? `w${word}` : ` w${word}`)),
});

export const echoed: Script = (heard) => say(heard === '' ? GREETING : [...wordsOf(heard), ...TAIL]);

export function wordsOf(text: string): number[] {
  return [...text.matchAll(/w(\d+)/g)].map(([, index]) => Number(index));
}

/** @param seed of habits; absent: they answer at once, at a pace that leaves time to break them */
export async function startRealtimeVendors(script: Script, seed?: number) {
  const habits = habitsBySeed(seed);
  const quick = <Options>(options: Options): Partial<Options> => (seed === undefined ? options : {});
  const [openai, gemini, deepgram, openrouter, cartesia] = await Promise.all([
    startOpenAiRealtime({
      ...habits(),
      ...quick({ speed: SPEED }),
      reply: ({ lastUserText, items }) =>
        script(
          lastUserText,
          items.flatMap(({ type, output }) => (type === 'function_call_output' ? [output ?? ''] : [])),
        ),
    }),
    startGeminiLive({
      ...habits(),
      ...quick({ speed: SPEED }),
      reply: ({ turns, instructions }) => answerOfGemini(script, withToldHistory(instructions, turns)),
    }),
    startDeepgram({ ...habits(), ...quick({ interimEveryMs: 200 }) }),
    startOpenRouter({
      ...habits(),
      ...quick({ everyMs: 30 }),
      reply: ({ messages }) => {
        const told = (wanted: string) =>
          messages.filter(({ role }) => role === wanted).map(({ content }) => content ?? '');
        return script(said(told('user')), [...told('tool'), ...resultsIn(told('user').join('\n'))]);
      },
    }),
    startCartesia(habits()),
  ]);
  return { openai, gemini, deepgram, openrouter, cartesia };
}

/** Of the vendor's, with results of tools as such, or in words in a conversation that another had begun. */
function answerOfGemini(script: Script, turns: readonly GeminiContent[]): ScriptedReply {
  const parts = turns.flatMap(({ role, parts: all = [] }) => all.map((part) => ({ role, ...part })));
  const results = parts.flatMap(({ functionResponse, text }) => {
    const output = (functionResponse?.response as { output?: unknown } | undefined)?.output;
    return output === undefined ? resultsIn(text ?? '') : [String(output)];
  });
  return script(said(parts.flatMap(({ role, text }) => (role === 'user' && text ? [text] : []))), results);
}

const resultsIn = (text: string) => [...text.matchAll(/ result: "?(w\d+)"?\)/g)].map(([, result]) => result as string);
const said = (texts: readonly string[]) => texts.findLast((text) => /^\s*w\d/.test(text))?.trim() ?? '';
