// The Gemini API by Google's SDK: one reply is one request, and every failure is a ProviderError.
import type { GenerateContentConfig, GenerateContentResponse, GoogleGenAI, Part, ThinkingConfig } from '@google/genai';
import { ProviderError } from '../../../failover/provider-error.ts';
import { geminiProviderError } from '../../../vendors/gemini-errors.ts';
import { checkGeminiModel, createGeminiSdk, type GeminiAccount, geminiExchange } from '../../../vendors/gemini-sdk.ts';
import type { LlmClient, LlmPart, LlmRequest, LlmToolCall } from '../../contract.ts';
import { toDeclarations, toDialogue, toMode } from './contents.ts';

/** Longer than any deadline of a chain: only a bound, so that nothing waits for ever. */
const TIMEOUT_MS = 60_000;
/** Enough for ten minutes of speech, and for the thinking of models that can't switch it off. */
const MOST_TOKENS = 8_192;
/** Number of call signatures that are remembered; a signature is needed only within the turn of its call. */
const MAX_SIGNATURES = 1000;
/** Takes the place of the signature of a call that another model made: https://ai.google.dev/gemini-api/docs/thought-signatures */
const FOREIGN_SIGNATURE = 'skip_thought_signature_validator';
/** Finish reasons that end a reply normally. */
const WHOLE: ReadonlySet<string> = new Set(['STOP', 'MAX_TOKENS']);
/** Finish reasons for the model's own mistakes. Any other reason that is not in WHOLE means that the content was refused. */
const SLIPS: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'MALFORMED_RESPONSE',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'OTHER',
]);

export function geminiClient(options: GeminiAccount): LlmClient {
  return new GeminiClient(options);
}

class GeminiClient implements LlmClient {
  readonly #options: GeminiAccount;
  readonly #signatures = new Map<string, string>();
  #sdk: Promise<GoogleGenAI> | undefined;

  constructor(options: GeminiAccount) {
    this.#options = options;
  }

  async warm(): Promise<void> {
    await this.check(AbortSignal.timeout(TIMEOUT_MS));
  }

  async check(signal: AbortSignal): Promise<void> {
    await checkGeminiModel(this.#connect(), this.#options, signal);
  }

  async *reply(request: LlmRequest): AsyncGenerator<LlmPart> {
    if (request.signal.aborted) return;
    // The SDK keeps the connection open when a reader leaves its stream, so the connection is aborted then.
    const left = new AbortController();
    const exchange = geminiExchange(AbortSignal.any([request.signal, left.signal, AbortSignal.timeout(TIMEOUT_MS)]));
    try {
      const { model } = this.#options;
      const sdk = await this.#connect();
      const { contents, systemInstruction } = toDialogue(request, (callId) => this.#signatureOf(callId));
      const config = {
        ...exchange.config,
        ...configOf(request, model),
        ...(systemInstruction && { systemInstruction }),
      };
      const stream = await sdk.models.generateContentStream({ model, contents, config });
      if (!isEventStream(exchange.headers()))
        throw this.#error('malformed', 'answered with something that is no stream');
      request.onOpen?.();
      yield* this.#parts(stream, request);
    } catch (error) {
      if (request.signal.aborted) return;
      throw this.#failure(error, exchange.headers());
    } finally {
      left.abort();
    }
  }

  async close(): Promise<void> {
    this.#sdk = undefined;
  }

  async *#parts(stream: AsyncIterable<GenerateContentResponse>, request: LlmRequest): AsyncGenerator<LlmPart> {
    let hasEnded = false;
    for await (const chunk of stream) {
      if (request.signal.aborted) return;
      const blocked = chunk.promptFeedback?.blockReason;
      if (blocked) throw this.#error('content-refusal', `refused the content of the request (${blocked})`);
      const candidate = chunk.candidates?.[0];
      for (const part of candidate?.content?.parts ?? []) {
        if (part.functionCall) yield { type: 'tool-call', call: this.#call(part) };
        else if (part.thought) yield { type: 'progress', of: 'reasoning' };
        else if (part.text) yield { type: 'text', text: part.text };
      }
      const reason = candidate?.finishReason;
      if (!reason) continue;
      this.#checkReason(reason);
      hasEnded = true;
      yield { type: 'end' };
      // Every chunk reports the usage so far: only that of the last chunk is the reply's.
      const usage = usageOf(chunk);
      if (usage) yield usage;
    }
    // A stream that ends without a finish reason was cut off, whatever the transport says.
    if (hasEnded || request.signal.aborted) return;
    throw this.#error('unreachable', 'ended its reply before it was complete');
  }

  #checkReason(reason: string): void {
    if (SLIPS.has(reason)) throw this.#error('malformed', `broke off its reply (${reason})`);
    if (!WHOLE.has(reason)) throw this.#error('content-refusal', `refused the content of its reply (${reason})`);
  }

  #call({ functionCall, thoughtSignature }: Part): LlmToolCall {
    const { name, args = {} } = functionCall ?? {};
    if (!name || typeof args !== 'object' || args === null || Array.isArray(args)) {
      throw this.#error('malformed', 'sent a tool call that is no JSON object');
    }
    const id = functionCall?.id || `gemini-${crypto.randomUUID()}`;
    if (thoughtSignature) this.#remember(id, thoughtSignature);
    return { id, name, arguments: JSON.stringify(args) };
  }

  #remember(callId: string, signature: string): void {
    this.#signatures.set(callId, signature);
    const oldest = this.#signatures.keys().next();
    if (this.#signatures.size > MAX_SIGNATURES && !oldest.done) this.#signatures.delete(oldest.value);
  }

  #signatureOf(callId: string): string | undefined {
    const known = this.#signatures.get(callId);
    return known ?? (this.#options.model.startsWith('gemini-3') ? FOREIGN_SIGNATURE : undefined);
  }

  #connect(): Promise<GoogleGenAI> {
    this.#sdk ??= createGeminiSdk(this.#options);
    return this.#sdk;
  }

  #failure(error: unknown, headers: Headers | undefined): ProviderError {
    const { provider, apiKey } = this.#options;
    return geminiProviderError(error, { provider, apiKey, headers });
  }

  #error(kind: ProviderError['kind'], what: string, cause?: unknown): ProviderError {
    const { provider } = this.#options;
    return new ProviderError({ kind, provider, message: `${provider} ${what}`, cause });
  }
}

function configOf({ tools, toolChoice }: LlmRequest, model: string): GenerateContentConfig {
  const thinkingConfig = leastThinking(model);
  return {
    // By itself, the SDK would repeat the request when a stream breaks, and would call tools.
    maxOutputTokens: MOST_TOKENS,
    automaticContinuation: false,
    automaticFunctionCalling: { disable: true },
    ...(thinkingConfig && { thinkingConfig }),
    ...(tools.length > 0 && {
      tools: [{ functionDeclarations: toDeclarations(tools) }],
      toolConfig: { functionCallingConfig: { mode: toMode(toolChoice) } },
    }),
  };
}

/** Thinking delays the first word by seconds; the way to limit it differs by family: https://ai.google.dev/gemini-api/docs/thinking */
function leastThinking(model: string): ThinkingConfig | undefined {
  const level = (name: string) => ({ thinkingLevel: name as NonNullable<ThinkingConfig['thinkingLevel']> });
  if (model.startsWith('gemini-2.5-flash')) return { thinkingBudget: 0 };
  // Thinking can't be turned off in this family.
  if (model.startsWith('gemini-2.5-pro')) return { thinkingBudget: 128 };
  if (/^gemini-3.*flash/.test(model)) return level('MINIMAL');
  return /^gemini-3.*pro/.test(model) ? level('LOW') : undefined;
}

function usageOf({ usageMetadata }: GenerateContentResponse): LlmPart | undefined {
  if (!usageMetadata) return undefined;
  const { promptTokenCount = 0, candidatesTokenCount = 0, thoughtsTokenCount = 0 } = usageMetadata;
  return { type: 'usage', promptTokens: promptTokenCount, completionTokens: candidatesTokenCount + thoughtsTokenCount };
}

/** The status does not tell: a proxy's page has status 200 too. */
function isEventStream(headers: Headers | undefined): boolean {
  return headers?.get('content-type')?.includes('text/event-stream') ?? true;
}
