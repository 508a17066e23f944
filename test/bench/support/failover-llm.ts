// A scripted model of 24 words, and a listener that counts which of them came.
import { setTimeout as sleep } from 'node:timers/promises';
import { llm } from '@livekit/agents';
import { countWords, type Outcome, type ScriptedProvider, silence, untilAborted } from './failover-child.ts';

const WORDS = (
  'Your appointment with doctor Smith is booked for Tuesday at nine please bring insurance card and arrive ten ' +
  'minutes early so we can start'
).split(' ');
const FIRST_TOKEN_MS = 150;
const WORD_MS = 30;
const PATIENCE_MS = 25_000;
const DEFAULT_CONN = { maxRetry: 3, retryIntervalMs: 2_000, timeoutMs: 10_000 };

export class ScriptedLlm extends llm.LLM {
  readonly provided: ScriptedProvider;
  /** If it is asked to continue begun words, it does so; otherwise it begins anew. */
  readonly obeys: boolean;

  constructor(provided: ScriptedProvider, obeys = true) {
    super();
    this.provided = provided;
    this.obeys = obeys;
  }

  override label(): string {
    return this.provided.id;
  }

  override chat({ chatCtx, toolCtx, connOptions }: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    return new ScriptedReply(this, { chatCtx, ...(toolCtx && { toolCtx }), connOptions: connOptions ?? DEFAULT_CONN });
  }
}

class ScriptedReply extends llm.LLMStream {
  readonly #owner: ScriptedLlm;

  constructor(owner: ScriptedLlm, options: ConstructorParameters<typeof llm.LLMStream>[1]) {
    super(owner, options);
    this.#owner = owner;
  }

  protected override async run(): Promise<void> {
    const { signal } = this.abortController;
    await untilAborted(signal, () => this.#speak(signal));
  }

  async #speak(signal: AbortSignal): Promise<void> {
    const { provided, obeys } = this.#owner;
    await provided.connect(this.connOptions.timeoutMs, signal);
    await sleep(FIRST_TOKEN_MS, undefined, { signal });
    for (let word = obeys ? begunWords(this.chatCtx) : 0; word < WORDS.length; word += 1) {
      const next = provided.after(word);
      if (next === 'is silent') await silence(signal);
      if (next === 'ends') return;
      const content = `${WORDS[word]}${word === WORDS.length - 1 ? '.' : ' '}`;
      this.queue.put({ id: provided.id, delta: { role: 'assistant', content } });
      await sleep(WORD_MS, undefined, { signal });
    }
  }
}

/** How many words of the reply the context already holds. */
function begunWords(context: llm.ChatContext): number {
  const begun = context.items.findLast((item) => item.type === 'message' && item.role === 'assistant');
  return begun?.type === 'message' ? (begun.textContent?.match(/\S+/g)?.length ?? 0) : 0;
}

/** Reads one reply of `subject`, until it ends or nothing came for 25 s. */
export async function readReply(subject: llm.LLM, dead: ScriptedProvider): Promise<Outcome> {
  const chatCtx = llm.ChatContext.empty();
  chatCtx.addMessage({ role: 'user', content: 'When is my appointment?' });
  const startedMs = performance.now();
  const stream = subject.chat({ chatCtx });
  let text = '';
  let firstMs: number | undefined;
  let gapMs: number | undefined;
  let isSilent = false;
  const giveUp = () => {
    isSilent = true;
    stream.close();
  };
  let patience = setTimeout(giveUp, PATIENCE_MS);
  for await (const chunk of stream) {
    if (!chunk.delta?.content) continue;
    const nowMs = performance.now();
    text += chunk.delta.content;
    firstMs ??= nowMs - startedMs;
    if (dead.failedAtMs !== undefined) gapMs ??= nowMs - dead.failedAtMs;
    clearTimeout(patience);
    patience = setTimeout(giveUp, PATIENCE_MS);
  }
  clearTimeout(patience);
  stream.close();
  return { ...countWords(WORDS, text.match(/\w+/g) ?? []), firstMs, gapMs, isSilent };
}
