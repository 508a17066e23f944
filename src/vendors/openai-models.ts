// The list of models of any service that speaks OpenAI's API: it costs nothing, so it is what checks ask for.
import type OpenAI from 'openai';
import { ProviderError } from '../failover/provider-error.ts';

/** @throws ProviderError `malformed`, and the SDK's own errors */
export async function listOpenAiModels(sdk: OpenAI, provider: string, signal: AbortSignal): Promise<string[]> {
  const page = await sdk.models.list({ signal });
  if (Array.isArray(page.data)) return page.data.map((model) => model.id);
  throw new ProviderError({ kind: 'malformed', provider, message: `${provider} sent a model list that is none` });
}

/** @throws ProviderError `invalid-request` where the service lists models and not this one */
export function requireOpenAiModel(model: string | undefined, models: readonly string[], provider: string): void {
  if (model === undefined || models.length === 0 || models.includes(model)) return;
  const message = `${provider} has no model "${model}"; it has ${models.slice(0, 5).join(', ')}`;
  throw new ProviderError({ kind: 'invalid-request', provider, message });
}
