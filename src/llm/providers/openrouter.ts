// openrouter: hundreds of models behind one key, by chat completions.
import { defineLlm } from '../contract.ts';
import { openAiCompatibleClient } from './openai-compatible/openai-compatible.ts';
import { leastReasoning, mostTokens } from './openai-compatible/parameters.ts';

export const openrouter = defineLlm({
  id: 'openrouter',
  title: 'OpenRouter',
  env: {
    OPENROUTER_API_KEY: 'required',
    OPENROUTER_APP_NAME: 'optional',
    OPENROUTER_APP_URL: 'optional',
    OPENROUTER_BASE_URL: 'optional',
  },
  keyEnv: 'OPENROUTER_API_KEY',
  traits: {
    languages: 'any',
    // openai/gpt-4.1-mini at OpenAI's price (https://openrouter.ai/openai/gpt-4.1-mini) plus OpenRouter's 5.5 % on credits.
    usdPerMinute: 0.0011,
    quality: 0.85,
    regions: ['us', 'eu'],
    typicalFirstMs: 600,
  },
  create: ({ env, model }) => {
    const { OPENROUTER_APP_NAME: name, OPENROUTER_APP_URL: url } = env;
    return openAiCompatibleClient({
      provider: 'openrouter',
      baseUrl: env.OPENROUTER_BASE_URL || 'https://openrouter.ai/api/v1',
      apiKey: env.OPENROUTER_API_KEY,
      // The same model as that of the next link, so that a failover doesn't change how the agent talks.
      model: model || 'openai/gpt-4.1-mini',
      headers: { ...(url && { 'HTTP-Referer': url }), ...(name && { 'X-Title': name }) },
      // OpenRouter lists its models without a key; only this check tests the key.
      freeCheck: 'key',
      // https://openrouter.ai/docs/api/reference/parameters: OpenRouter reserves credit for as many tokens as a request may take.
      parameters: (name) => {
        const own = name.replace(/^openai\//, '');
        const effort = leastReasoning(own);
        return { max_tokens: mostTokens(own), ...(effort && { reasoning: { effort } }) };
      },
    });
  },
});
