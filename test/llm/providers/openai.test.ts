// The OpenAI provider against a server that speaks its protocol.
import { afterEach, describe, expect, it } from 'vitest';
import type { ChatOptions } from '../../../fixtures/vendors/chat-completions.ts';
import { startOpenAi } from '../../../fixtures/vendors/openai.ts';
import type { LlmMessage } from '../../../src/llm/contract.ts';
import { openai } from '../../../src/llm/providers/openai.ts';
import { CONTINUATION_PROMPT } from '../../../src/text/continuation-prompt.ts';
import { describeLlm } from '../../conformance/llm.ts';
import { chatFailures, chatReply, conversation, failure, KEY, requestOf, tool } from '../support/chat-subject.ts';
import { partsOf, summarise } from '../support/converse.ts';

async function open(options: ChatOptions = {}) {
  const server = await startOpenAi({ apiKey: KEY, reply: chatReply, models: ['gpt-test'], ...options });
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: server.url };
  return { client: openai.create({ env, model: 'gpt-test' }), server, close: () => server.close() };
}

describeLlm({
  provider: openai,
  open,
  talk: conversation.hello,
  callingTalk: conversation.leaveMessage,
  tool,
  arrangeEmpty: ({ server }) => server.faults.fail({ kind: 'empty' }),
  expectedArguments: { name: 'Ann' },
  secrets: [KEY, KEY.slice(0, 12)],
  failures: [
    ...chatFailures(),
    failure('billing not active', 'quota', { kind: 'status', status: 429, code: 'billing_not_active' }),
    failure('key revoked in mid-stream', 'auth', { kind: 'error-event', after: 1, code: 'invalid_api_key' }),
    failure('limit met in mid-stream', 'rate-limit', { kind: 'error-event', after: 1, code: 'rate_limit_exceeded' }),
    failure('filtered, as Azure says it', 'content-refusal', { kind: 'status', status: 400, code: 'content_filter' }),
    failure('a flagged prompt', 'content-refusal', { kind: 'status', status: 400, code: 'invalid_prompt' }),
    failure('filtered by its words alone', 'content-refusal', {
      kind: 'status',
      status: 400,
      message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    }),
    failure('filtered in mid-stream', 'content-refusal', { kind: 'error-event', after: 2, code: 'content_filter' }),
    failure('limit without a code', 'rate-limit', { kind: 'error-event', after: 1, status: 429 }),
  ],
});

describe('openai', () => {
  let close: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await close?.();
    close = undefined;
  });
  const opened = async (options?: ChatOptions) => {
    const subject = await open(options);
    close = subject.close;
    return subject;
  };

  it.each([
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
    [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1h2m3.5s' }, 3_600_000],
    [{ 'x-ratelimit-reset-requests': '20ms', 'x-ratelimit-reset-tokens': '90ms' }, 90],
  ])('reads from %j how long to wait', async (limitHeaders, retryAfterMs) => {
    const { client, server } = await opened({ limitHeaders: limitHeaders as Record<string, string> });
    server.faults.fail({ kind: 'status', status: 429 });
    const reply = partsOf(client.reply(requestOf(conversation.hello)));
    await expect(reply).rejects.toMatchObject({ kind: 'rate-limit', status: 429, retryAfterMs });
  });

  it('takes Retry-After before its own headers', async () => {
    const { client, server } = await opened();
    server.faults.fail({ kind: 'status', status: 429, retryAfterS: 7 });
    const reply = partsOf(client.reply(requestOf(conversation.hello)));
    await expect(reply).rejects.toMatchObject({ retryAfterMs: 7000 });
  });

  it.each([
    ['gpt-4.1-mini', { max_completion_tokens: 2_048 }],
    ['gpt-5-mini-2025-08-07', { max_completion_tokens: 8_192, reasoning_effort: 'minimal' }],
    ['gpt-5.1', { max_completion_tokens: 8_192 }],
    ['gpt-5-chat-latest', { max_completion_tokens: 8_192 }],
    ['o4-mini', { max_completion_tokens: 8_192, reasoning_effort: 'low' }],
  ])('%s: a reply has an end, and as little reasoning as the model allows', async (model, parameters) => {
    const { server } = await opened();
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: server.url };
    await partsOf(openai.create({ env, model }).reply(requestOf(conversation.hello)));
    const {
      model: _,
      messages,
      stream,
      stream_options,
      tools,
      tool_choice,
      ...rest
    } = server.chats()[0] as unknown as Record<string, unknown>;
    expect(rest).toEqual(parameters);
  });

  it('ends with the filter’s reason as a refusal of the content', async () => {
    const { client } = await opened({ reply: () => ({ text: ['Well, '], finishReason: 'content_filter' }) });
    await expect(partsOf(client.reply(requestOf(conversation.hello)))).rejects.toMatchObject({
      kind: 'content-refusal',
    });
  });

  it('shows every delta of a call, and says the end before the usage', async () => {
    const { client } = await opened();
    const types = (await partsOf(client.reply(requestOf(conversation.leaveMessage)))).map(({ type }) => type);
    expect([...new Set(types)]).toEqual(['text', 'progress', 'tool-call', 'end', 'usage']);
    expect(types.filter((type) => type === 'progress')).toHaveLength(4);
  });

  it('asks to go on from a begun reply, after the results of tools', async () => {
    const { client, server } = await opened();
    const call = { id: 'c', name: 'take_message', arguments: '{}' };
    const messages: LlmMessage[] = [
      ...conversation.leaveMessage,
      { role: 'tool-call', call },
      { role: 'tool-result', callId: 'c', name: call.name, output: 'stored', isError: false },
    ];
    const parts = await partsOf(client.reply(requestOf(messages, { continueFrom: 'It is ' })));
    expect(server.chats()[0]?.messages.slice(-3)).toEqual([
      { role: 'tool', tool_call_id: 'c', content: 'stored' },
      { role: 'assistant', content: 'It is' },
      { role: 'user', content: CONTINUATION_PROMPT },
    ]);
    expect(summarise(parts).text).toBe('stored.');
  });

  it('takes two calls of one turn, and speaks from their results', async () => {
    const toolCalls = ['Ann', 'Bob'].map((name, index) => ({
      id: `call_${index}`,
      name: 'take_message',
      arguments: JSON.stringify({ name }),
    }));
    const { client, server } = await opened({
      reply: (body, number) => (number === 0 ? { toolCalls } : chatReply(body)),
    });
    const { calls } = summarise(await partsOf(client.reply(requestOf(conversation.leaveMessage))));
    expect(calls).toEqual(toolCalls);
    const results = calls.map(
      ({ id, name }): LlmMessage => ({ role: 'tool-result', callId: id, name, output: `stored ${id}`, isError: false }),
    );
    const messages: LlmMessage[] = [
      ...conversation.leaveMessage,
      ...calls.map((call): LlmMessage => ({ role: 'tool-call', call })),
      ...results.reverse(),
    ];
    expect(summarise(await partsOf(client.reply(requestOf(messages)))).text).toBe('It is stored.');
    expect(server.chats()[1]?.messages.slice(1)).toMatchObject([
      { role: 'assistant', content: null, tool_calls: [{ id: 'call_0' }, { id: 'call_1' }] },
      { role: 'tool', tool_call_id: 'call_0', content: 'stored call_0' },
      { role: 'tool', tool_call_id: 'call_1', content: 'stored call_1' },
    ]);
  });

  it('lets a begun reply that was whole stand', async () => {
    const { client } = await opened();
    const going = (continueFrom: string) => partsOf(client.reply(requestOf(conversation.hello, { continueFrom })));
    expect(summarise(await going('Hello to you too.')).text).toBe('');
    await expect(going('Hello to you to')).resolves.not.toEqual([]);
  });

  it('is open when the status is known, and not when it is refused', async () => {
    const { client, server } = await opened();
    let opens = 0;
    const asked = () => partsOf(client.reply(requestOf(conversation.hello, { onOpen: () => opens++ })));
    server.faults.fail({ kind: 'status', status: 500 });
    await expect(asked()).rejects.toThrow();
    expect(opens).toBe(0);
    server.faults.fail({ kind: 'drop', after: 0 });
    await expect(asked()).rejects.toThrow();
    expect(opens).toBe(1);
  });

  it('passes the tools and the choice on as they are', async () => {
    const { client, server } = await opened();
    for (const toolChoice of ['auto', 'none', 'required'] as const) {
      await partsOf(client.reply(requestOf(conversation.hello, { toolChoice })));
      expect(server.chats().at(-1)).toMatchObject({
        model: 'gpt-test',
        tools: [{ type: 'function', function: tool }],
        tool_choice: toolChoice,
      });
    }
    await partsOf(client.reply(requestOf(conversation.hello, { tools: [] })));
    expect(server.chats().at(-1)).not.toHaveProperty('tool_choice');
  });

  it('checks and warms without cost', async () => {
    const { client, server } = await opened();
    await client.check?.(AbortSignal.timeout(2000));
    await client.warm?.();
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/models', '/v1/models']);
    server.faults.fail({ kind: 'status', status: 503 }, Number.POSITIVE_INFINITY);
    await expect(client.check?.(AbortSignal.timeout(2000))).rejects.toMatchObject({ kind: 'server' });
  });
});
