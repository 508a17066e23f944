// Gemini's plugin (1.9.0): it restarts when the setup changes, leaves tool items out of the history, and hides what the vendor announces.
import { llm } from '@livekit/agents';
import { durationMs } from '../vendors/rate-limit-reset.ts';
import type { AdapterEvents, RealtimeAdapter } from './adapter.ts';
import { isPcm16 } from './pcm16.ts';

/** What is used of the plugin that is not public; checked before each use, as nothing promises it. */
interface ModelInternals {
  _options?: {
    instructions?: string;
    realtimeInputConfig?: { automaticActivityDetection?: { silenceDurationMs?: number } };
  };
}
interface ServerContent {
  readonly modelTurn?: { readonly parts?: readonly { readonly inlineData?: { readonly data?: string } }[] };
}
interface SessionInternals {
  sessionResumptionHandle?: string;
  handleServerContent?(content: ServerContent): void;
  handleGoAway?(goAway: { timeLeft?: string }): void;
}

/** The vendor names no default; what it was heard to wait. */
const USUAL_SILENCE_MS = 800;

export const geminiAdapter: RealtimeAdapter = {
  setsUp: true,
  tellsSpeech: false,
  turnEndMs: (model) =>
    (model as unknown as ModelInternals)._options?.realtimeInputConfig?.automaticActivityDetection?.silenceDurationMs ??
    USUAL_SILENCE_MS,
  connects: true,
  async open(model, { instructions, tools, history, resume }, events) {
    // Given with the setup: to a session that stands it would be told as if the model had said it.
    const options = (model as unknown as ModelInternals)._options;
    if (options && instructions !== undefined) options.instructions = instructions;
    const session = model.session();
    // At once, before it connects: later it would connect again for them.
    void session.updateTools(tools).catch(() => undefined);
    void session.updateChatCtx(history).catch(() => undefined);
    const internals = session as unknown as SessionInternals;
    // It would close the session in the middle of a word and tell the history twice.
    if (internals.handleGoAway)
      internals.handleGoAway = ({ timeLeft }) => events.onExpiring(durationMs(timeLeft ?? '') ?? 0);
    followHandles(internals, resume, events);
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
  close: (session) => session.close(),
  toHistory: toolItemsAsText,
};

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
