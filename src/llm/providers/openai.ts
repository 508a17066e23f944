// openai: OpenAI's models by chat completions.
import { defineLlm } from '../contract.ts';
import { openAiCompatibleClient } from './openai-compatible/openai-compatible.ts';
import { leastReasoning, mostTokens } from './openai-compatible/parameters.ts';

export const openai = defineLlm({
  id: 'openai',
  title: 'OpenAI',
  env: { OPENAI_API_KEY: 'required', OPENAI_BASE_URL: 'optional' },
  keyEnv: 'OPENAI_API_KEY',
  traits: {
    languages: 'any',
    // gpt-4.1-mini: $0.40 and $1.60 a million tokens (https://openai.com/api/pricing), at 4 turns a minute of 400 tokens
    // in and 60 out.
    usdPerMinute: 0.001,
    quality: 0.85,
    regions: ['us', 'eu'],
    typicalFirstMs: 600,
  },
  create: ({ env, model }) =>
    openAiCompatibleClient({
      provider: 'openai',
      baseUrl: env.OPENAI_BASE_URL || 'https://api.openai.com/v1',
      apiKey: env.OPENAI_API_KEY,
      // Small and without reasoning, which would delay the first word.
      model: model || 'gpt-4.1-mini',
      // `max_tokens` is deprecated here, and reasoning models refuse it.
      parameters: (name) => {
        const effort = leastReasoning(name);
        return { max_completion_tokens: mostTokens(name), ...(effort && { reasoning_effort: effort }) };
      },
    }),
});
