// The local provider against a server that speaks OpenAI's protocol.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ChatOptions } from '../../../fixtures/vendors/chat-completions.ts';
import { startOpenAi } from '../../../fixtures/vendors/openai.ts';
import type { LlmMessage, LlmRequest } from '../../../src/llm/contract.ts';
import { findOllama, local } from '../../../src/llm/providers/local.ts';
import { describeLlm } from '../../conformance/llm.ts';
import { chatFailures, chatReply, conversation, KEY, tool } from '../support/chat-subject.ts';
import { partsOf, summarise } from '../support/converse.ts';

const { hello, leaveMessage } = conversation;

async function open(options: ChatOptions = {}, env: Record<string, string> = {}) {
  const server = await startOpenAi({ apiKey: KEY, reply: chatReply, ...options });
  const settings = { LOCAL_LLM_BASE_URL: server.url, LOCAL_LLM_API_KEY: KEY, LOCAL_LLM_MODEL: 'test-model', ...env };
  return { client: local.create({ env: settings }), server, close: () => server.close() };
}

describeLlm({
  provider: local,
  open,
  talk: hello,
  callingTalk: leaveMessage,
  tool,
  arrangeEmpty: ({ server }) => server.faults.fail({ kind: 'empty' }),
  expectedArguments: { name: 'Ann' },
  secrets: [KEY],
  failures: chatFailures(),
});

describe('local', () => {
  let close: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await close?.();
    close = undefined;
  });
  const opened = async (options?: ChatOptions, env?: Record<string, string>) => {
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
    expect(server.chats()[0]).toMatchObject({
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
    const types = parts.map((part) => part.type).filter((type) => type !== 'progress');
    expect(types).toEqual(['text', 'tool-call', 'tool-call', 'end', 'usage']);
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
    server.faults.fail({ kind: 'drop', after: 4 });
    const seen: string[] = [];
    const reading = async () => {
      for await (const part of client.reply(request(leaveMessage))) seen.push(part.type);
    };
    await expect(reading()).rejects.toMatchObject({ kind: 'unreachable' });
    expect(seen.filter((type) => type !== 'progress')).toEqual(['text', 'text']);
  });

  it('reports the tokens used', async () => {
    const { client } = await opened();
    const parts = await partsOf(client.reply(request(hello)));
    expect(parts).toContainEqual({ type: 'usage', promptTokens: 12, completionTokens: 4 });
  });

  it('asks once per reply: no retry of its own', async () => {
    const { client, server } = await opened();
    server.faults.fail({ kind: 'status', status: 500 }, 3);
    await expect(partsOf(client.reply(request(hello)))).rejects.toMatchObject({ kind: 'server', status: 500 });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [{}, 7, 7000],
    [{ 'retry-after-ms': '350' }, 7, 350],
    [{ 'x-ratelimit-reset-requests': '', 'x-ratelimit-reset-tokens': '' }, undefined, undefined],
  ])('tells how long to wait: %j, Retry-After %s', async (limitHeaders, retryAfterS, retryAfterMs) => {
    const { client, server } = await opened({ limitHeaders: limitHeaders as Record<string, string> });
    server.faults.fail({ kind: 'status', status: 429, ...(retryAfterS !== undefined && { retryAfterS }) });
    await expect(partsOf(client.reply(request(hello)))).rejects.toMatchObject({ kind: 'rate-limit', retryAfterMs });
  });

  it('closes the connection of a cancelled reply, even a silent one', async () => {
    const { client, server } = await opened();
    server.faults.fail({ kind: 'stall', after: 1 });
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
    expect(server.chats().at(-1)).toMatchObject({ model: 'llama3.2' });
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

it('tells a page from a reply', async () => {
  const page = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>a proxy says hello</html>');
  });
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}/v1`;
  const client = local.create({ env: { LOCAL_LLM_BASE_URL: url }, model: 'test-model' });
  const signal = new AbortController().signal;
  const reply = client.reply({ messages: hello, tools: [], toolChoice: 'auto', language: 'en-US', signal });
  await expect(partsOf(reply)).rejects.toMatchObject({ kind: 'malformed' });
  page.closeAllConnections();
  page.close();
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
      if (what === 'answers too late') server.faults.fail({ kind: 'slow', delayMs: 1000 }, Number.POSITIVE_INFINITY);
      if (what === 'answers with an error')
        server.faults.fail({ kind: 'status', status: 500 }, Number.POSITIVE_INFINITY);
      expect(await findOllama(server.url.replace('/v1', ''))).toBeUndefined();
      await server.close();
    },
  );
});
