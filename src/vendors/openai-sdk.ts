// OpenAI's SDK as every provider makes it: without retries, and without a look into the environment.
import type OpenAI from 'openai';

export interface OpenAiSdkOptions {
  /** Includes the version: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Absent where the service needs none. */
  readonly apiKey?: string | undefined;
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Loads the SDK at its first use, which takes a tenth of a second. */
export async function createOpenAiSdk({ baseUrl, apiKey, timeoutMs, headers }: OpenAiSdkOptions): Promise<OpenAI> {
  const { OpenAI: Sdk } = await import('openai');
  // Everything that the SDK would read from the environment is given here.
  return new Sdk({
    baseURL: baseUrl,
    apiKey: apiKey ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: 'off',
    ...(headers && { defaultHeaders: headers }),
  });
}
