// Gemini's plugin (1.9.0): it restarts when the setup changes, leaves tool items out of the history, and hides what the vendor announces.
import { llm } from '@livekit/agents';
import { durationMs } from '../../vendors/rate-limit-reset.ts';
import type { AdapterEvents, RealtimeAdapter } from '../adapter-contract.ts';
import { GeminiTurns } from './gemini-turns.ts';
import { isPcm16 } from './pcm16.ts';

/** What is used of the plugin that is not public; checked before each use, as nothing promises it. */
interface Options {
  readonly model?: string;
  readonly instructions?: string;
  readonly toolBehavior?: string;
  readonly realtimeInputConfig?: { readonly automaticActivityDetection?: { readonly silenceDurationMs?: number } };
}
interface ServerContent {
  readonly modelTurn?: { readonly parts?: readonly { readonly inlineData?: { readonly data?: string } }[] };
}
interface SessionInternals {
  options?: Options;
  sessionResumptionHandle?: string;
  handleServerContent?(content: ServerContent): void;
  handleGoAway?(goAway: { timeLeft?: string }): void;
}

/** The vendor names no default; what it was heard to wait. */
const USUAL_SILENCE_MS = 800;
/** Their first turn passes over a history that is told in turns (pipecat). */
const PASSES_OVER_HISTORY = /2\.5/;
/** The plugin (1.9.0, needsReplyPlaceholder) asks these for a reply by an empty request, which Google's SDK refuses. */
const HAS_NO_PLACEHOLDER = /3\.[18]/;
const ANSWER_NOW = 'Answer the caller now.';
/** Newer ones go on talking while a tool runs, unless it is declared as one to be waited for (docs of gemini-3.8-live). */
const WAITS_FOR_TOOLS = /gemini-(live-)?(2\.|3\.[01]-)/;

/** End of speech to first audio: 1.5 s usually, 3 to 6 s and more at worst, from published measurements. */
export const GEMINI_DEADLINES = { firstHelpMs: 2_500, firstMs: 6_000 };

const turnsOf = new WeakMap<llm.RealtimeSession, GeminiTurns>();

export const geminiAdapter: RealtimeAdapter = {
  setsUp: true,
  tellsSpeech: false,
  turnEndMs: (model) =>
    optionsOf(model)?.realtimeInputConfig?.automaticActivityDetection?.silenceDurationMs ?? USUAL_SILENCE_MS,
  connects: true,
  deadlines: GEMINI_DEADLINES,
  async open(model, { instructions, tools, history, resume }, events) {
    const session = model.session();
    const internals = session as unknown as SessionInternals;
    const name = optionsOf(model)?.model ?? '';
    const isTold = PASSES_OVER_HISTORY.test(name) && resume === undefined && history.items.length > 0;
    // Given with the setup, which is sent in a moment: to a session that stands it would be told as if the model had said it.
    internals.options = {
      ...internals.options,
      ...(isTold || instructions !== undefined
        ? { instructions: [instructions, ...(isTold ? [inWords(history)] : [])].filter(Boolean).join('\n\n') }
        : {}),
      ...(!WAITS_FOR_TOOLS.test(name) && { toolBehavior: internals.options?.toolBehavior ?? 'BLOCKING' }),
    };
    // At once, before it connects: later it would connect again for them.
    void session.updateTools(tools).catch(() => undefined);
    if (!isTold) void session.updateChatCtx(history).catch(() => undefined);
    // It would close the session in the middle of a word and tell the history twice.
    if (internals.handleGoAway)
      internals.handleGoAway = ({ timeLeft }) => events.onExpiring(durationMs(timeLeft ?? '') ?? 0);
    followHandles(internals, resume, events);
    turnsOf.set(
      session,
      new GeminiTurns(session, events.onSign, HAS_NO_PLACEHOLDER.test(name) ? ANSWER_NOW : undefined),
    );
    // It passes over audio that it can't decode.
    const handle = internals.handleServerContent?.bind(session);
    if (handle) {
      internals.handleServerContent = (content) => {
        const audio = content.modelTurn?.parts?.flatMap(({ inlineData }) => inlineData?.data ?? []) ?? [];
        if (audio.every(isPcm16)) handle(content);
        else events.onMalformed(new RangeError('audio that is no PCM16'));
      };
    }
    return session;
  },
  close: (session) => {
    turnsOf.get(session)?.close();
    return session.close();
  },
  toHistory: toolItemsAsText,
};

function optionsOf(model: llm.RealtimeModel): Options | undefined {
  return (model as unknown as { readonly _options?: Options })._options;
}

/** A conversation as part of the instructions. */
function inWords(history: llm.ChatContext): string {
  const lines = history.items.flatMap((item) => {
    if (item.type !== 'message' || !item.textContent) return [];
    const who = item.role === 'assistant' ? 'You' : item.role === 'user' ? 'Caller' : 'Instruction';
    return [`${who}: ${item.textContent}`];
  });
  return `The call has been going on. What was said so far, which you go on from and don't repeat:\n${lines.join('\n')}`;
}

/** The plugin keeps the newest handle, and connects with the one that it has. */
function followHandles(session: SessionInternals, resume: string | undefined, events: AdapterEvents): void {
  let handle = resume;
  Object.defineProperty(session, 'sessionResumptionHandle', {
    get: () => handle,
    set: (next: string | undefined) => {
      handle = next;
      if (next) events.onResumable(next);
    },
  });
}

/** The plugin drops calls and results from a history: the model is told of them in words. */
export function toolItemsAsText(context: llm.ChatContext): llm.ChatContext {
  const calls = new Map<string, llm.FunctionCall>();
  const items: llm.ChatItem[] = [];
  for (const item of context.items) {
    if (item.type === 'function_call') calls.set(item.callId, item);
    else if (item.type === 'function_call_output') items.push(asText(item, calls.get(item.callId)));
    else items.push(item);
  }
  return new llm.ChatContext(items);
}

function asText(output: llm.FunctionCallOutput, call: llm.FunctionCall | undefined): llm.ChatMessage {
  const result = output.isError ? 'It failed' : 'Its result';
  return llm.ChatMessage.create({
    id: output.id,
    role: 'user',
    content: `(You called the tool ${output.name} with ${call?.args || '{}'}. ${result}: ${output.output})`,
    createdAt: output.createdAt,
  });
}
