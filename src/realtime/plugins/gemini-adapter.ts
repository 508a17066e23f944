// Gemini's plugin (1.9.0): it restarts when the setup changes, leaves tool items out of the history, and hides what the vendor announces.
import { llm } from '@livekit/agents';
import { durationMs } from '../../vendors/rate-limit-reset.ts';
import type { AdapterEvents, RealtimeAdapter } from '../adapter-contract.ts';
import { GeminiTurns } from './gemini-turns.ts';
import { isPcm16 } from './pcm16.ts';

/** Private parts of the plugin that this adapter uses; checked before each use, as nothing guarantees them. */
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

/** Silence that ends a turn where none is configured: the vendor documents no default, this one was observed. */
const USUAL_SILENCE_MS = 800;
/** Models whose first turn ignores a history that is sent as turns (source: pipecat). */
const PASSES_OVER_HISTORY = /2\.5/;
/** The plugin (1.9.0, needsReplyPlaceholder) asks these models for a reply by an empty request, which Google's SDK refuses. */
const HAS_NO_PLACEHOLDER = /3\.[18]/;
const ANSWER_NOW = 'Answer the caller now.';
/** Models that wait for a tool. Newer ones go on talking while it runs unless it is declared blocking (docs of gemini-3.8-live). */
const WAITS_FOR_TOOLS = /gemini-(live-)?(2\.|3\.[01]-)/;

/** Published measurements from end of speech to first audio: usually 1.5 s, at worst 3 to 6 s and more. */
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
    // Instructions go with the setup, which is sent in a moment: an open session would get them as if the model had said them.
    internals.options = {
      ...internals.options,
      ...(isTold || instructions !== undefined
        ? { instructions: [instructions, ...(isTold ? [inWords(history)] : [])].filter(Boolean).join('\n\n') }
        : {}),
      ...(!WAITS_FOR_TOOLS.test(name) && { toolBehavior: internals.options?.toolBehavior ?? 'BLOCKING' }),
    };
    // Set before the session connects: the plugin would reconnect for a later change of tools.
    void session.updateTools(tools).catch(() => undefined);
    if (!isTold) void session.updateChatCtx(history).catch(() => undefined);
    // The plugin's own handler would close the session in the middle of a word and send the history twice.
    if (internals.handleGoAway)
      internals.handleGoAway = ({ timeLeft }) => events.onExpiring(durationMs(timeLeft ?? '') ?? 0);
    followHandles(internals, resume, events);
    turnsOf.set(
      session,
      new GeminiTurns(session, events.onSign, HAS_NO_PLACEHOLDER.test(name) ? ANSWER_NOW : undefined),
    );
    // The plugin ignores audio that it can't decode.
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

/** The conversation as text that becomes part of the instructions. */
function inWords(history: llm.ChatContext): string {
  const lines = history.items.flatMap((item) => {
    if (item.type !== 'message' || !item.textContent) return [];
    const who = item.role === 'assistant' ? 'You' : item.role === 'user' ? 'Caller' : 'Instruction';
    return [`${who}: ${item.textContent}`];
  });
  return `The call has been going on. What was said so far, which you go on from and don't repeat:\n${lines.join('\n')}`;
}

/** Follows the property in which the plugin keeps the newest resumption handle; the plugin connects with its value. */
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

/** Replaces tool calls and results by messages in words, as the plugin drops such items from a history. */
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
