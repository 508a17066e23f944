// What LiveKit's OpenAI plugin (and its gateway's) reads in a chunk and keeps to itself: marked in its own stream, in order. Source:
// `LLMStream.parseChoice` of @livekit/agents 1.9.0, inference/llm.js: it collects the pieces of a call and drops reasons and reasoning.

export type PluginMark = 'tool-call' | 'reasoning' | 'end' | 'refused';

interface Chunk {
  readonly delta?: { readonly extra?: Readonly<Record<string, unknown>> };
}

interface Choice {
  readonly delta?: {
    readonly tool_calls?: readonly unknown[] | null;
    readonly reasoning?: unknown;
    readonly reasoning_content?: unknown;
  };
  readonly finish_reason?: string | null;
}

type ParseChoice = (id: string, choice: Choice, ...rest: unknown[]) => Chunk | undefined;

const MARK = 'bulletproof.mark';

/** @returns whether its chunks are marked; other plugins show nothing of the kind */
export function markChunks(stream: object): boolean {
  const parsing = stream as { parseChoice?: ParseChoice };
  const parse = parsing.parseChoice;
  if (typeof parse !== 'function') return false;
  parsing.parseChoice = (id, choice, ...rest) => {
    const chunk = parse.call(stream, id, choice, ...rest);
    const mark = markOf(choice);
    if (mark === undefined) return chunk;
    const extra = { ...chunk?.delta?.extra, [MARK]: mark };
    return { ...chunk, id, delta: { role: 'assistant', ...chunk?.delta, extra } };
  };
  return true;
}

export function markIn(chunk: Chunk): PluginMark | undefined {
  return chunk.delta?.extra?.[MARK] as PluginMark | undefined;
}

function markOf({ delta, finish_reason: reason }: Choice): PluginMark | undefined {
  if (reason) return reason === 'content_filter' ? 'refused' : 'end';
  if (delta?.tool_calls?.length) return 'tool-call';
  return delta?.reasoning || delta?.reasoning_content ? 'reasoning' : undefined;
}
