// Any service that speaks OpenAI's chat completions: one client, used by every provider of that kind.
import type OpenAI from 'openai';
import { ProviderError } from '../../../failover/provider-error.ts';
import { toProviderError } from '../../../vendors/openai-errors.ts';
import { listOpenAiModels, requireOpenAiModel } from '../../../vendors/openai-models.ts';
import { createOpenAiSdk } from '../../../vendors/openai-sdk.ts';
import type { LlmClient, LlmPart, LlmRequest } from '../../contract.ts';
import { toChatMessages, toChatTools } from './messages.ts';
import { mostTokens } from './parameters.ts';
import { ToolCallAssembly } from './tool-call-assembly.ts';

export interface OpenAiCompatibleOptions {
  /** The id of the provider, for errors. */
  readonly provider: string;
  /** Includes the version: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Absent where the service needs none. */
  readonly apiKey?: string | undefined;
  /** The first of the service's model list where absent. */
  readonly model?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What the free check requests: the list of models (where absent), or OpenRouter's account of the key. */
  readonly freeCheck?: 'models' | 'key' | undefined;
  /** Parameters of a request that differ by vendor and model. */
  readonly parameters?: ((model: string) => Readonly<Record<string, unknown>>) | undefined;
}

type Chunk = OpenAI.Chat.Completions.ChatCompletionChunk;
type Delta = Chunk['choices'][number]['delta'] & { readonly reasoning?: unknown; readonly reasoning_content?: unknown };

/** Longer than any deadline of a chain: only a bound, so that nothing waits for ever. */
const TIMEOUT_MS = 60_000;

/** A client without retries of its own; every failure is a ProviderError. */
export function openAiCompatibleClient(options: OpenAiCompatibleOptions): LlmClient {
  return new OpenAiCompatibleClient(options);
}

class OpenAiCompatibleClient implements LlmClient {
  readonly #options: OpenAiCompatibleOptions;
  #sdk: Promise<OpenAI> | undefined;
  #model: string | undefined;

  constructor(options: OpenAiCompatibleOptions) {
    this.#options = options;
    this.#model = options.model;
  }

  async warm(): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    await this.#contained(signal, async () => {
      const sdk = await this.#connect();
      if (this.#model === undefined) await this.#modelName(sdk, signal);
      // The answer is not used: the request only opens the connection, which is kept.
      else if (this.#options.freeCheck === 'key') await sdk.get('/key', { signal });
      else await this.#models(sdk, signal);
    });
  }

  /** Costs nothing, and finds a wrong key, a dead server, spent credit or a missing model. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#contained(signal, async () => {
      const sdk = await this.#connect();
      if (this.#options.freeCheck === 'key') return await this.#checkKey(sdk, signal);
      const models = await this.#models(sdk, signal);
      requireOpenAiModel(this.#options.model, models, this.#options.provider);
    });
  }

  async *reply(request: LlmRequest): AsyncGenerator<LlmPart> {
    if (request.signal.aborted) return;
    try {
      const sdk = await this.#connect();
      const model = await this.#modelName(sdk, request.signal);
      const { data: stream, response } = await sdk.chat.completions
        .create(
          {
            model,
            messages: toChatMessages(request),
            stream: true,
            stream_options: { include_usage: true },
            ...(this.#options.parameters?.(model) ?? { max_tokens: mostTokens(model) }),
            ...(request.tools.length > 0 && { tools: toChatTools(request.tools), tool_choice: request.toolChoice }),
          },
          { signal: request.signal },
        )
        .withResponse();
      if (!isEventStream(response.headers)) {
        stream.controller.abort();
        throw this.#error('malformed', 'answered with something that is no stream');
      }
      request.onOpen?.();
      yield* this.#parts(stream, request);
    } catch (error) {
      if (request.signal.aborted) return;
      throw this.#failure(error);
    }
  }

  async close(): Promise<void> {
    this.#sdk = undefined;
  }

  async *#parts(stream: AsyncIterable<Chunk>, { signal }: LlmRequest): AsyncGenerator<LlmPart> {
    const calls = new ToolCallAssembly();
    let reason: string | undefined;
    for await (const chunk of stream) {
      if (signal.aborted) return;
      const choice = chunk.choices?.[0];
      if (choice && reason === undefined) {
        for (const piece of choice.delta?.tool_calls ?? []) calls.add(piece);
        yield* partsOf(choice.delta);
        reason = choice.finish_reason ?? undefined;
        if (reason) yield* this.#end(reason, calls);
      }
      if (chunk.usage) {
        const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = chunk.usage;
        yield { type: 'usage', promptTokens, completionTokens };
      }
    }
    if (signal.aborted || reason) return;
    // A stream that ends without a finish reason was cut off, whatever the transport says.
    throw this.#error('unreachable', 'ended its reply before it was complete');
  }

  /** Ends the reply at its finish reason: only the usage comes after it, and that may be late. */
  *#end(reason: string, calls: ToolCallAssembly): Generator<LlmPart> {
    if (reason === 'error') throw this.#error('server', 'broke off its reply');
    if (reason === 'content_filter') throw this.#error('content-refusal', 'refused the content of its reply');
    for (const call of calls.finish(this.#options.provider)) yield { type: 'tool-call', call };
    yield { type: 'end' };
  }

  #connect(): Promise<OpenAI> {
    this.#sdk ??= createOpenAiSdk({ ...this.#options, timeoutMs: TIMEOUT_MS });
    return this.#sdk;
  }

  async #modelName(sdk: OpenAI, signal: AbortSignal): Promise<string> {
    if (this.#model !== undefined) return this.#model;
    const model = (await this.#models(sdk, signal))[0];
    if (model === undefined) throw this.#error('invalid-request', 'lists no model; name one in the configuration');
    this.#model = model;
    return model;
  }

  #models(sdk: OpenAI, signal: AbortSignal): Promise<string[]> {
    return listOpenAiModels(sdk, this.#options.provider, signal);
  }

  /** https://openrouter.ai/docs/api/reference/limits: `limit_remaining` is what the key may still spend, null without a limit. */
  async #checkKey(sdk: OpenAI, signal: AbortSignal): Promise<void> {
    const account = (await sdk.get('/key', { signal })) as { data?: { limit_remaining?: number | null } };
    const { data } = account ?? {};
    if (!data) throw this.#error('malformed', 'sent an account of the key that is none');
    if (typeof data.limit_remaining === 'number' && data.limit_remaining <= 0) {
      throw this.#error('quota', 'has no credit left for this key');
    }
  }

  async #contained(signal: AbortSignal, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (signal.aborted) throw this.#error('timeout', 'did not answer in time', error);
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): ProviderError {
    return toProviderError(error, this.#options.provider, this.#options.apiKey);
  }

  #error(kind: ProviderError['kind'], what: string, cause?: unknown): ProviderError {
    const { provider } = this.#options;
    return new ProviderError({ kind, provider, message: `${provider} ${what}`, cause });
  }
}

/** A refusal is spoken like any other reply. OpenRouter and vLLM send `reasoning`, DeepSeek and llama.cpp `reasoning_content`. */
function* partsOf(delta: Delta | undefined): Generator<LlmPart> {
  const text = delta?.content || delta?.refusal;
  if (text) yield { type: 'text', text };
  if (delta?.tool_calls?.length) yield { type: 'progress', of: 'tool-call' };
  else if (delta?.reasoning || delta?.reasoning_content) yield { type: 'progress', of: 'reasoning' };
}

/** The status does not tell: a proxy's page has 200 too. An answer without a content type counts as a stream: a proxy may drop the type. */
function isEventStream(headers: Headers): boolean {
  return headers.get('content-type')?.includes('text/event-stream') ?? true;
}
