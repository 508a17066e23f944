// Google's SDK for the Gemini API as every provider makes it, and the check that costs nothing.
import type { GoogleGenAI } from '@google/genai';
import { ProviderError } from '../failover/provider-error.ts';
import { geminiProviderError } from './gemini-errors.ts';

export interface GeminiAccount {
  /** The id of the provider, for errors. */
  readonly provider: string;
  readonly apiKey: string;
  /** URL without the version. */
  readonly baseUrl: string;
  readonly model: string;
}

export const GEMINI_URL = 'https://generativelanguage.googleapis.com';

/** Loads the SDK at its first use. */
export async function createGeminiSdk({
  apiKey,
  baseUrl,
}: Pick<GeminiAccount, 'apiKey' | 'baseUrl'>): Promise<GoogleGenAI> {
  const { GoogleGenAI: Sdk } = await import('@google/genai');
  // Everything that the SDK would read from the environment is given here. Without options for them, it has no retries.
  return new Sdk({ apiKey, vertexai: false, apiVersion: 'v1beta', httpOptions: { baseUrl } });
}

/** Settings of one request that also keep the headers of its response, as the SDK's errors have none. */
export function geminiExchange(signal: AbortSignal) {
  let headers: Headers | undefined;
  const fetchAndLook: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    headers = response.headers;
    return response;
  };
  return { config: { abortSignal: signal, httpOptions: { fetch: fetchAndLook } }, headers: () => headers };
}

/**
 * Asks about the model: costs nothing, and finds a wrong key, a dead server and a missing model.
 * @throws ProviderError
 */
export async function checkGeminiModel(
  sdk: Promise<GoogleGenAI>,
  { provider, apiKey, model }: GeminiAccount,
  signal: AbortSignal,
): Promise<void> {
  const exchange = geminiExchange(signal);
  try {
    await (await sdk).models.get({ model, config: exchange.config });
  } catch (cause) {
    if (signal.aborted) {
      throw new ProviderError({ kind: 'timeout', provider, message: `${provider} did not answer in time`, cause });
    }
    const failure = geminiProviderError(cause, { provider, apiKey, headers: exchange.headers() });
    if (failure.status !== 404) throw failure;
    throw new ProviderError({
      kind: 'invalid-request',
      provider,
      message: `${provider} has no model "${model}"`,
      cause,
    });
  }
}
