// Language models on a fake clock that do as they are told: how many words they give, how fast, and how they fail.
import { ProviderError, type ProviderErrorKind } from '../../src/failover/provider-error.ts';
import type { LlmLink, LlmPart, LlmRequest } from '../../src/llm/contract.ts';
import type { FakeClock } from './fake-clock.ts';

export interface LlmScript {
  /** Time to the first word. */
  readonly firstMs?: number;
  /** How many words or parts come before the fault. */
  readonly after?: number;
  readonly fault?: ProviderErrorKind | 'hang' | 'end' | 'throw-other' | undefined;
  /** How it continues a reply that another model began. */
  readonly onContinue?: 'continue' | 'restart';
  readonly parts?: readonly LlmPart[];
  /** The pause after the part with this number; 20 ms where absent. */
  readonly pauseMs?: (index: number) => number;
}

export interface ScriptedLlmOptions {
  readonly clock: FakeClock;
  readonly id: string;
  /** The words of every reply. */
  readonly words: readonly string[];
  /** What it does with its nth request, counted from 1. */
  readonly script: (call: number) => LlmScript;
  readonly onRequest?: (request: LlmRequest) => void;
}

const WORD_MS = 20;

export function scriptedLlm(options: ScriptedLlmOptions): LlmLink {
  const { clock, id, words, script, onRequest } = options;
  let calls = 0;
  const wait = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const cancel = clock.setTimeout(resolve, ms);
      const abort = () => {
        cancel();
        resolve();
      };
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });

  async function* reply(request: LlmRequest): AsyncGenerator<LlmPart> {
    onRequest?.(request);
    calls += 1;
    const {
      firstMs = 50,
      after = Number.POSITIVE_INFINITY,
      fault,
      onContinue = 'continue',
      parts,
      pauseMs,
    } = script(calls);
    await wait(firstMs, request.signal);
    const said = onContinue === 'continue' ? (request.continueFrom?.match(/\S+/g)?.length ?? 0) : 0;
    const pieces = parts ?? words.slice(said).map((text) => ({ type: 'text' as const, text }));
    for (const [index, part] of pieces.entries()) {
      if (index === after || request.signal.aborted) break;
      yield part;
      await wait(pauseMs?.(index) ?? WORD_MS, request.signal);
    }
    if (request.signal.aborted || after > pieces.length || fault === undefined || fault === 'end') return;
    if (fault === 'hang') return new Promise<never>(() => undefined);
    if (fault === 'throw-other') throw new TypeError('undefined is not a function');
    throw new ProviderError({ kind: fault, provider: id, message: `${id} ${fault}` });
  }
  return { id, traits: { languages: 'any' }, client: { close: async () => undefined, reply } };
}
