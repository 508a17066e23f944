// The OpenRouter provider against a server that speaks its protocol.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { type OpenRouterOptions, startOpenRouter } from '../../../fixtures/vendors/openrouter.ts';
import { openrouter } from '../../../src/llm/providers/openrouter.ts';
import { describeLlm } from '../../conformance/llm.ts';
import { chatFailures, chatReply, conversation, failure, KEY, requestOf, tool } from '../support/chat-subject.ts';
import { partsOf } from '../support/converse.ts';

async function open(options: OpenRouterOptions = {}) {
  const server = await startOpenRouter({ apiKey: KEY, reply: chatReply, ...options });
  const env = {
    OPENROUTER_API_KEY: KEY,
    OPENROUTER_BASE_URL: server.url,
    OPENROUTER_APP_NAME: 'Bulletproof',
    OPENROUTER_APP_URL: 'https://example.com',
  };
  return { client: openrouter.create({ env, model: 'vendor/model' }), server, close: () => server.close() };
}

describeLlm({
  provider: openrouter,
  open,
  talk: conversation.hello,
  callingTalk: conversation.leaveMessage,
  tool,
  arrangeEmpty: ({ server }) => server.faults.fail({ kind: 'empty' }),
  expectedArguments: { name: 'Ann' },
  secrets: [KEY, KEY.slice(0, 12)],
  failures: [
    ...chatFailures(),
    failure('its provider is gone in mid-stream', 'server', { kind: 'error-event', after: 2, status: 502 }),
    failure('an error with a word in mid-stream', 'server', { kind: 'error-event', after: 2, code: 'server_error' }),
    failure('limit met in mid-stream', 'rate-limit', { kind: 'error-event', after: 2, status: 429 }),
    failure('credit spent in mid-stream', 'quota', { kind: 'error-event', after: 2, status: 402 }),
    failure('the free requests of a day', 'quota', {
      kind: 'status',
      status: 429,
      message: 'Rate limit exceeded: free-models-per-day.',
    }),
  ],
});

describe('openrouter', () => {
  let close: (() => Promise<void>) | undefined;
  afterEach(async () => {
    vi.useRealTimers();
    await close?.();
    close = undefined;
  });
  const opened = async (options?: OpenRouterOptions) => {
    const subject = await open(options);
    close = subject.close;
    return subject;
  };
  const failing = async (options: OpenRouterOptions, status: number) => {
    const { client, server } = await opened(options);
    server.faults.fail({ kind: 'status', status });
    return partsOf(client.reply(requestOf(conversation.hello)));
  };

  it('says which application asks', async () => {
    const { client, server } = await opened();
    await partsOf(client.reply(requestOf(conversation.hello)));
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'http-referer': 'https://example.com',
      'x-title': 'Bulletproof',
    });
    expect(server.chats()[0]).toMatchObject({ model: 'vendor/model' });
  });

  it.each(['in the error', 'in a header'])('waits until the time that stands %s', async (where) => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
    const resetAtMs = 1_700_000_042_000;
    const options =
      where === 'in a header' ? { limitHeaders: { 'X-RateLimit-Reset': String(resetAtMs) } } : { resetAtMs };
    await expect(failing(options, 429)).rejects.toMatchObject({ kind: 'rate-limit', retryAfterMs: 42_000 });
  });

  it('does not take words that its moderation refused for a refused key', async () => {
    const errorMetadata = { reasons: ['violence'], flagged_input: 'hello there my friend' };
    const error: unknown = await failing({ errorMetadata }, 403).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'content-refusal', status: 403 });
    expect((error as Error).message).not.toContain('friend');
  });

  it('takes a 402 for what is under way for a rate limit, as the credit is not spent', async () => {
    const errorMetadata = { limit_source: 'openrouter_in_flight_budget', error_type: 'in_flight_budget_exhausted' };
    const { client, server } = await opened({ errorMetadata });
    server.faults.fail({ kind: 'status', status: 402, retryAfterS: 2 });
    const reply = partsOf(client.reply(requestOf(conversation.hello)));
    await expect(reply).rejects.toMatchObject({ kind: 'rate-limit', status: 402, retryAfterMs: 2_000 });
  });

  it.each([
    ['openai/gpt-4.1-mini', { max_tokens: 2_048 }],
    ['openai/gpt-5-mini', { max_tokens: 8_192, reasoning: { effort: 'minimal' } }],
    ['anthropic/claude-sonnet-4.5', { max_tokens: 2_048 }],
  ])('%s: a reply has an end, and as little reasoning as the model allows', async (model, parameters) => {
    const { server } = await opened();
    const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: server.url };
    await partsOf(openrouter.create({ env, model }).reply(requestOf(conversation.hello)));
    const { max_tokens, reasoning } = server.chats()[0] as unknown as Record<string, unknown>;
    expect({ max_tokens, ...(reasoning !== undefined && { reasoning }) }).toEqual(parameters);
  });

  it('shows a model that thinks to be alive', async () => {
    const habits = new Habits(1);
    const always = Object.assign(habits, { chance: (share: number) => share === 0.1 });
    const { client } = await opened({ habits: always, speed: 50 });
    const parts = await partsOf(client.reply(requestOf(conversation.hello)));
    expect(parts[0]).toEqual({ type: 'progress', of: 'reasoning' });
    expect(parts.filter(({ type }) => type === 'text').length).toBeGreaterThan(0);
  });

  it('checks the key without cost, and its credit', async () => {
    const { client, server } = await opened();
    await client.check?.(AbortSignal.timeout(2000));
    await client.warm?.();
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/key', '/api/v1/key']);
    await server.close();
    const spent = await opened({ limitRemaining: 0 });
    await expect(spent.client.check?.(AbortSignal.timeout(2000))).rejects.toMatchObject({ kind: 'quota' });
    await spent.server.close();
    const foreign = await opened({ apiKey: 'another' });
    await expect(foreign.client.check?.(AbortSignal.timeout(2000))).rejects.toMatchObject({ kind: 'auth' });
  });
});
