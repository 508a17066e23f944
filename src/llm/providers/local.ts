// local: a model on this machine or network behind any OpenAI-compatible URL (Ollama, llama.cpp, vLLM).
import { defineLlm } from '../contract.ts';
import { openAiCompatibleClient } from './openai-compatible/openai-compatible.ts';

const OLLAMA_URL = 'http://127.0.0.1:11434';
/** A server on this machine answers within a few milliseconds; start-up must not wait for one that is not there. */
const FIND_TIMEOUT_MS = 250;

export const local = defineLlm({
  id: 'local',
  title: 'Local model',
  env: { LOCAL_LLM_BASE_URL: 'required', LOCAL_LLM_MODEL: 'optional', LOCAL_LLM_API_KEY: 'optional' },
  // Small models on a CPU read a long conversation for seconds before the first word.
  traits: {
    languages: 'any',
    usdPerMinute: 0,
    quality: 0.6,
    regions: ['local'],
    deadlines: { firstMs: 6000, stallMs: 2000 },
    typicalFirstMs: 1500,
  },
  create: ({ env, model }) =>
    openAiCompatibleClient({
      provider: 'local',
      baseUrl: env.LOCAL_LLM_BASE_URL ?? `${OLLAMA_URL}/v1`,
      apiKey: env.LOCAL_LLM_API_KEY || undefined,
      model: model || env.LOCAL_LLM_MODEL || undefined,
    }),
});

export interface FoundOllama {
  /** Value for `LOCAL_LLM_BASE_URL`. */
  readonly baseUrl: string;
  /** Ids of its models; never empty. */
  readonly models: readonly string[];
}

/** Finds an Ollama that runs at its default port and has a model; undefined if none answers within 250 ms. */
export async function findOllama(url: string = OLLAMA_URL, signal?: AbortSignal): Promise<FoundOllama | undefined> {
  const timeout = AbortSignal.timeout(FIND_TIMEOUT_MS);
  try {
    const baseUrl = `${url.replace(/\/+$/, '')}/v1`;
    const response = await fetch(`${baseUrl}/models`, {
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const list = (await response.json()) as { data?: readonly { id?: unknown }[] | null };
    const models = (list.data ?? []).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
    return response.ok && models.length > 0 ? { baseUrl, models } : undefined;
  } catch {
    return undefined;
  }
}
