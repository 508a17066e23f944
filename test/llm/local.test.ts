// The local provider against a server that speaks OpenAI's protocol.
import { afterEach, describe, expect, it } from 'vitest';
import {
  type OpenAiFault,
  type OpenAiFixture,
  type OpenAiOptions,
  startOpenAi,
} from '../../fixtures/vendors/openai.ts';
import type { LlmMessage, LlmRequest } from '../../src/llm/contract.ts';
import { findOllama, local } from '../../src/llm/local.ts';
import { describeLlm } from '../conformance/llm.ts';
import { partsOf, summarise } from './converse.ts';

const KEY = 'sk-local-secret';
const tool = { name: 'take_message', description: 'Stores a message.', parameters: { type: 'object', properties: {} } };
const hello: LlmMessage[] = [{ role: 'user', text: 'hello there my friend' }];
const leaveMessage: LlmMessage[] = [{ role: 'user', text: 'please leave a message' }];

const fault = (
  name: string,
  kind: 'auth' | 'quota' | 'rate-limit' | 'server' | 'unreachable' | 'malformed' | 'invalid-request' | 'forbidden',
  what: OpenAiFault,
) => ({
  name,
  kind,
  arrange: ({ server }: { server: OpenAiFixture }) => server.fail(what),
});

async function open(options: OpenAiOptions = {}, env: Record<string, string> = {}) {
  const server = await startOpenAi({
    apiKey: KEY,
    reply: ({ messages }) => {
      const last = messages.at(-1);
      if (last?.role === 'tool') return { text: ['It ', 'is ', 'stored.'] };
      if (!last?.content?.includes('message')) return { text: ['Hello ', 'to ', 'you ', 'too.'] };
      return {
        text: ['One ', 'moment.'],
        toolCalls: [{ id: 'call_1', name: 'take_message', arguments: '{"name":"Ann"}' }],
      };
    },
    ...options,
  });
  const settings = { LOCAL_LLM_BASE_URL: server.url, LOCAL_LLM_API_KEY: KEY, LOCAL_LLM_MODEL: 'test-model', ...env };
  return { client: local.create({ env: settings }), server, close: () => server.close() };
}

describeLlm({
  provider: local,
  open,
  talk: hello,
  callingTalk: leaveMessage,
  tool,
  expectedArguments: { name: 'Ann' },
  secrets: [KEY],
  failures: [
    fault('wrong key', 'auth', { kind: 'status', status: 401, message: `Incorrect API key provided: ${KEY}.` }),
    fault('no access', 'forbidden', { kind: 'status', status: 403 }),
    fault('payment required', 'quota', { kind: 'status', status: 402 }),
    fault('quota spent', 'quota', { kind: 'status', status: 429, code: 'insufficient_quota' }),
    fault('too many requests', 'rate-limit', { kind: 'status', status: 429, code: 'rate_limit_exceeded' }),
    fault('bad request', 'invalid-request', { kind: 'status', status: 400 }),
    fault('no such model', 'invalid-request', { kind: 'status', status: 404, code: 'model_not_found' }),
    fault('overloaded', 'server', { kind: 'status', status: 503 }),
    fault('error event at the start', 'server', { kind: 'error-event', afterChunks: 0, message: 'engine died' }),
    fault('error event in mid-reply', 'server', { kind: 'error-event', afterChunks: 2, message: 'engine died' }),
    fault('quota error event', 'quota', {
      kind: 'error-event',
      afterChunks: 1,
      message: 'no money',
      code: 'insufficient_quota',
    }),
    fault('connection lost', 'unreachable', { kind: 'drop', afterChunks: 2 }),
    fault('connection lost before the first token', 'unreachable', { kind: 'drop', afterChunks: 0 }),
    fault('stream ends early', 'unreachable', { kind: 'end-early', afterChunks: 2 }),
    fault('broken JSON', 'malformed', { kind: 'malformed', afterChunks: 1 }),
    fault('a page instead of a stream', 'malformed', { kind: 'not-sse' }),
    { name: 'nobody listens', kind: 'unreachable', arrange: ({ server }) => server.close() },
  ],
});

describe('local', () => {
  let close: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await close?.();
    close = undefined;
  });
  const opened = async (options?: OpenAiOptions, env?: Record<string, string>) => {
    const subject = await open(options, env);
    close = subject.close;
    return subject;
  };
  const request = (messages: readonly LlmMessage[], changes: Partial<LlmRequest> = {}): LlmRequest => ({
    messages,
    tools: [tool],
    toolChoice: 'auto',
    language: 'fr-FR',
    signal: new AbortController().signal,
    ...changes,
  });

  it('sends an assistant message with its calls, then their results in the order of the calls', async () => {
    const { client, server } = await opened();
    const call = (id: string) => ({ id, name: 'take_message', arguments: '{}' });
    const result = (callId: string, isError = false): LlmMessage => ({
      role: 'tool-result',
      callId,
      name: 'take_message',
      output: `result of ${callId}`,
      isError,
    });
    await partsOf(
      client.reply(
        request([
          { role: 'system', text: 'Be kind.' },
          { role: 'user', text: 'Two messages.' },
          { role: 'assistant', text: 'One moment.' },
          { role: 'tool-call', call: call('a') },
          { role: 'tool-call', call: call('b') },
          result('b', true),
          result('a'),
          { role: 'tool-call', call: call('c') },
          { role: 'assistant', text: 'Still there?', interrupted: true },
          { role: 'user', text: 'Yes.' },
        ]),
      ),
    );
    const calls = (...ids: string[]) =>
      ids.map((id) => ({ id, type: 'function', function: { name: 'take_message', arguments: '{}' } }));
    expect(server.requests[0]?.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Two messages.' },
        { role: 'assistant', content: 'One moment.', tool_calls: calls('a', 'b') },
        { role: 'tool', tool_call_id: 'a', content: 'result of a' },
        { role: 'tool', tool_call_id: 'b', content: 'Error: result of b' },
        { role: 'assistant', content: null, tool_calls: calls('c') },
        { role: 'tool', tool_call_id: 'c', content: 'No result: the call was interrupted.' },
        { role: 'assistant', content: 'Still there?' },
        { role: 'user', content: 'Yes.' },
      ],
      tools: [{ type: 'function', function: { name: 'take_message' } }],
      tool_choice: 'auto',
    });
  });

  it('puts several calls together, each whole, after the text', async () => {
    const toolCalls = ['Ann', 'Bob'].map((name, index) => ({
      id: `call_${index}`,
      name: 'take_message',
      arguments: JSON.stringify({ name, reason: 'a rather long one' }),
    }));
    const { client } = await opened({ reply: () => ({ text: ['Sure. '], toolCalls }) });
    const parts = await partsOf(client.reply(request(hello)));
    expect(parts.map((part) => part.type)).toEqual(['text', 'usage', 'tool-call', 'tool-call']);
    expect(summarise(parts).calls).toEqual(toolCalls);
  });

  it('refuses a tool call whose arguments are cut off', async () => {
    const { client } = await opened({
      reply: () => ({ toolCalls: [{ id: '1', name: 'take_message', arguments: '{"name":"A' }] }),
    });
    await expect(partsOf(client.reply(request(hello)))).rejects.toMatchObject({ kind: 'malformed' });
  });

  it('gives no half of a tool call when the stream breaks', async () => {
    const { client, server } = await opened();
    server.fail({ kind: 'drop', afterChunks: 4 });
    const seen: string[] = [];
    const reading = async () => {
      for await (const part of client.reply(request(leaveMessage))) seen.push(part.type);
    };
    await expect(reading()).rejects.toMatchObject({ kind: 'unreachable' });
    expect(seen).toEqual(['text', 'text']);
  });

  it('reports the tokens used', async () => {
    const { client } = await opened();
    const parts = await partsOf(client.reply(request(hello)));
    expect(parts).toContainEqual({ type: 'usage', promptTokens: 12, completionTokens: 5 });
  });

  it('asks once per reply: no retry of its own', async () => {
    const { client, server } = await opened();
    server.fail({ kind: 'status', status: 500 }, 3);
    await expect(partsOf(client.reply(request(hello)))).rejects.toMatchObject({ kind: 'server', status: 500 });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after-ms': '350' }, 350],
    [{}, undefined],
  ])('tells how long to wait: %j', async (headers, retryAfterMs) => {
    const { client, server } = await opened();
    server.fail({ kind: 'status', status: 429, headers: headers as Record<string, string> });
    await expect(partsOf(client.reply(request(hello)))).rejects.toMatchObject({ kind: 'rate-limit', retryAfterMs });
  });

  it('closes the connection of a cancelled reply, even a silent one', async () => {
    const { client, server } = await opened();
    server.fail({ kind: 'stall', afterChunks: 1 });
    const abort = new AbortController();
    const seen: string[] = [];
    for await (const part of client.reply(request(hello, { signal: abort.signal }))) {
      seen.push(part.type);
      setImmediate(() => abort.abort());
    }
    expect(seen).toEqual(['text']);
    await expect.poll(server.cancelled).toBe(1);
  });

  it('takes the first model of the list where none is named, and remembers it', async () => {
    const { client, server } = await opened({ models: ['llama3.2', 'qwen3'] }, { LOCAL_LLM_MODEL: '' });
    await partsOf(client.reply(request(hello)));
    await partsOf(client.reply(request(hello)));
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/v1/models',
      '/v1/chat/completions',
      '/v1/chat/completions',
    ]);
    expect(server.requests.at(-1)?.body).toMatchObject({ model: 'llama3.2' });
  });

  it('checks without cost, and names the model that is missing', async () => {
    const { client, server } = await opened({ models: ['llama3.2'] });
    await expect(client.check?.(AbortSignal.timeout(2000))).rejects.toThrow(
      'has no model "test-model"; it has llama3.2',
    );
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/models']);
  });

  it('tells that a server without a model has none', async () => {
    const { client } = await opened({ models: [] }, { LOCAL_LLM_MODEL: '' });
    await expect(partsOf(client.reply(request(hello)))).rejects.toThrow('local lists no model');
  });
});

describe('findOllama', () => {
  it('finds a server and its models', async () => {
    const server = await startOpenAi({ models: ['llama3.2:3b'] });
    const root = server.url.replace('/v1', '');
    expect(await findOllama(root)).toEqual({ baseUrl: server.url, models: ['llama3.2:3b'] });
    await server.close();
    expect(await findOllama(root)).toBeUndefined();
  });

  it.each(['has no model', 'answers too late', 'answers with an error'])(
    'finds none where the server %s',
    async (what) => {
      const server = await startOpenAi({ models: what === 'has no model' ? [] : ['a'] });
      if (what === 'answers too late') server.fail({ kind: 'slow', delayMs: 1000 });
      if (what === 'answers with an error') server.fail({ kind: 'status', status: 500 });
      expect(await findOllama(server.url.replace('/v1', ''))).toBeUndefined();
      await server.close();
    },
  );
});
