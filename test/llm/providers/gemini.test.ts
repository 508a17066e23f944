// The Gemini provider against a server that speaks its protocol.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type GeminiOptions, startGemini } from '../../../fixtures/vendors/gemini.ts';
import { type GeminiRequest, signature } from '../../../fixtures/vendors/gemini-protocol.ts';
import type { LlmMessage } from '../../../src/llm/contract.ts';
import { gemini } from '../../../src/llm/providers/gemini/gemini.ts';
import { CONTINUATION_PROMPT } from '../../../src/text/continuation-prompt.ts';
import { describeLlm } from '../../conformance/llm.ts';
import { conversation, failure, replyTo, requestOf, tool } from '../support/chat-subject.ts';
import { partsOf, summarise } from '../support/converse.ts';

const KEY = 'AIzaSecret0123456789';

function reply({ contents }: GeminiRequest) {
  const last = contents.at(-1)?.parts ?? [];
  const isResult = last.some(({ functionResponse }) => functionResponse);
  return replyTo(isResult, last.map(({ text }) => text ?? '').join(''));
}

async function open(options: GeminiOptions = {}, model = 'gemini-2.5-flash') {
  const server = await startGemini({ apiKey: KEY, reply, models: [model], ...options });
  const env = { GEMINI_API_KEY: KEY, GEMINI_BASE_URL: server.url };
  return { client: gemini.create({ env, model }), server, close: () => server.close() };
}

describeLlm({
  provider: gemini,
  open,
  talk: conversation.hello,
  callingTalk: conversation.leaveMessage,
  tool,
  arrangeEmpty: ({ server }) => server.faults.fail({ kind: 'empty' }),
  expectedArguments: { name: 'Ann' },
  secrets: [KEY],
  failures: [
    failure('wrong key', 'auth', { kind: 'status', status: 400, code: 'API_KEY_INVALID', message: `No: ${KEY}` }),
    failure('key that expired', 'auth', { kind: 'status', status: 400, code: 'API_KEY_EXPIRED' }),
    failure('no credentials', 'auth', { kind: 'status', status: 401 }),
    failure('no access', 'forbidden', { kind: 'status', status: 403, message: `Key ${KEY} is blocked.` }),
    failure('not served here', 'forbidden', { kind: 'status', status: 400, code: 'FAILED_PRECONDITION' }),
    failure('too many requests', 'rate-limit', { kind: 'status', status: 429 }),
    failure('the requests of a day', 'quota', {
      kind: 'status',
      status: 429,
      code: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier',
    }),
    failure('no quota at all', 'quota', { kind: 'status', status: 429, message: 'Quota exceeded, limit: 0, model: x' }),
    failure('bad request', 'invalid-request', { kind: 'status', status: 400 }),
    failure('no such model', 'invalid-request', { kind: 'status', status: 404 }),
    failure('broken inside', 'server', { kind: 'status', status: 500, message: `Died with ${KEY}.` }),
    failure('overloaded', 'server', { kind: 'status', status: 503 }),
    failure('refused', 'unreachable', { kind: 'refuse' }),
    ...[0, 2].flatMap((after) => [
      failure(`error event after ${after}`, 'server', { kind: 'error-event', after, status: 503 }),
      failure(`limit met after ${after}`, 'rate-limit', { kind: 'error-event', after, status: 429 }),
      failure(`connection lost after ${after}`, 'unreachable', { kind: 'drop', after }),
      failure(`end after ${after}`, 'unreachable', { kind: 'end-early', after }),
      failure(`broken JSON after ${after}`, 'malformed', { kind: 'malformed-json', after }),
    ]),
    { name: 'nobody listens', kind: 'unreachable', arrange: ({ server }) => server.close() },
  ],
});

describe('gemini', () => {
  let close: (() => Promise<void>) | undefined;
  afterEach(async () => {
    await close?.();
    close = undefined;
  });
  const opened = async (options?: GeminiOptions, model?: string) => {
    const subject = await open(options, model);
    close = subject.close;
    return subject;
  };
  const twoCalls = ['Ann', 'Bob'].map((name) => ({
    id: '',
    name: 'take_message',
    arguments: JSON.stringify({ name }),
  }));

  it('sends both calls of a turn back with what it thought, and their results after them', async () => {
    const { client, server } = await opened({
      reply: (body, number) => (number === 0 ? { text: ['One moment.'], toolCalls: twoCalls } : reply(body)),
    });
    const said = summarise(await partsOf(client.reply(requestOf(conversation.leaveMessage))));
    const [first, second] = said.calls;
    if (!first || !second) throw new Error('not two calls');
    expect(first.id).not.toBe(second.id);
    const messages: LlmMessage[] = [
      { role: 'system', text: 'Be kind.' },
      ...conversation.leaveMessage,
      { role: 'assistant', text: said.text },
      { role: 'tool-call', call: first },
      { role: 'tool-call', call: second },
      { role: 'tool-result', callId: second.id, name: second.name, output: 'no space', isError: true },
      { role: 'tool-result', callId: first.id, name: first.name, output: 'stored', isError: false },
    ];
    expect(summarise(await partsOf(client.reply(requestOf(messages)))).text).toBe('It is stored.');
    const { name } = tool;
    expect(server.chats()[1]).toMatchObject({
      systemInstruction: { parts: [{ text: 'Be kind.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'please leave a message' }] },
        {
          role: 'model',
          parts: [
            { text: 'One moment.' },
            { functionCall: { id: first.id, name, args: { name: 'Ann' } }, thoughtSignature: signature(name) },
            { functionCall: { id: second.id, name, args: { name: 'Bob' } } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: first.id, name, response: { output: 'stored' } } },
            { functionResponse: { id: second.id, name, response: { error: 'no space' } } },
          ],
        },
      ],
    });
  });

  it.each([
    ['gemini-3-flash-preview', 'skip_thought_signature_validator', { thinkingLevel: 'MINIMAL' }],
    ['gemini-2.5-flash', undefined, { thinkingBudget: 0 }],
    ['gemini-2.5-pro', undefined, { thinkingBudget: 128 }],
  ])('%s: calls of another model, and as little thinking as it can', async (model, foreign, thinkingConfig) => {
    const { client, server } = await opened({}, model);
    const call = { id: 'call_of_openai', name: tool.name, arguments: '{}' };
    await partsOf(client.reply(requestOf([{ role: 'tool-call', call }])));
    const [, called] = server.chats()[0]?.contents ?? [];
    expect(called?.parts[0]).toEqual({
      functionCall: { id: call.id, name: call.name, args: {} },
      ...(foreign && { thoughtSignature: foreign }),
    });
    expect(server.chats()[0]?.generationConfig?.thinkingConfig).toEqual(thinkingConfig);
  });

  it('asks to go on from a begun reply', async () => {
    const { client, server } = await opened();
    const parts = await partsOf(client.reply(requestOf(conversation.hello, { continueFrom: 'Hello to ' })));
    expect(server.chats()[0]?.contents.slice(-2)).toEqual([
      { role: 'model', parts: [{ text: 'Hello to' }] },
      { role: 'user', parts: [{ text: CONTINUATION_PROMPT }] },
    ]);
    expect(summarise(parts).text).toBe('you too.');
  });

  it('passes the tools on as they are, and the choice in its own words', async () => {
    const { client, server } = await opened();
    for (const [toolChoice, mode] of [
      ['auto', 'AUTO'],
      ['none', 'NONE'],
      ['required', 'ANY'],
    ] as const) {
      await partsOf(client.reply(requestOf(conversation.hello, { toolChoice })));
      const { name, description, parameters: parametersJsonSchema } = tool;
      expect(server.chats().at(-1)).toMatchObject({
        tools: [{ functionDeclarations: [{ name, description, parametersJsonSchema }] }],
        toolConfig: { functionCallingConfig: { mode } },
      });
    }
  });

  it('gives no schema for a tool without parameters', async () => {
    const { client, server } = await opened();
    const bare = { ...tool, parameters: { $schema: 'https://example.com', type: 'object', properties: {} } };
    await partsOf(client.reply(requestOf(conversation.hello, { tools: [bare] })));
    expect(server.chats()[0]?.tools?.[0]?.functionDeclarations).toEqual([
      { name: tool.name, description: tool.description },
    ]);
  });

  it('waits as long as the error says, and not after the quota of a day', async () => {
    const { client, server } = await opened({ retryDelay: '20.04466179s' });
    const asked = () => partsOf(client.reply(requestOf(conversation.hello)));
    server.faults.fail({ kind: 'status', status: 429 });
    await expect(asked()).rejects.toMatchObject({ kind: 'rate-limit', status: 429, retryAfterMs: 20_044.66179 });
    server.faults.fail({ kind: 'status', status: 429, code: 'RequestsPerDay' });
    await expect(asked()).rejects.toMatchObject({ kind: 'quota', retryAfterMs: undefined });
    server.faults.fail({ kind: 'status', status: 503, retryAfterS: 3 });
    await expect(asked()).rejects.toMatchObject({ kind: 'server', status: 503, retryAfterMs: 3000 });
  });

  it.each([
    ['blocks the request', { blockReason: 'PROHIBITED_CONTENT' }, 'content-refusal'],
    ['stops for safety', { text: ['Well, '], finishReason: 'SAFETY' }, 'content-refusal'],
    ['recites', { text: ['Well, '], finishReason: 'RECITATION' }, 'content-refusal'],
    ['writes no call', { toolCalls: [{ id: '', name: 'a', arguments: '{"n' }] }, 'malformed'],
    ['calls with a list', { toolCalls: [{ id: '', name: 'a', arguments: '[1]' }] }, 'malformed'],
  ])('tells that it %s', async (_, scripted, kind) => {
    const { client } = await opened({ reply: () => scripted });
    await expect(partsOf(client.reply(requestOf(conversation.hello)))).rejects.toMatchObject({ kind });
  });

  it.each(['SAFETY', 'RECITATION', 'PROHIBITED_CONTENT', 'BLOCKLIST', 'SPII', 'LANGUAGE'])(
    'takes %s for a refusal of the content',
    async (finishReason) => {
      const { client } = await opened({ reply: () => ({ finishReason }) });
      const reply = partsOf(client.reply(requestOf(conversation.hello)));
      await expect(reply).rejects.toMatchObject({ kind: 'content-refusal' });
    },
  );

  it('gives each reply an end', async () => {
    const { client, server } = await opened();
    await partsOf(client.reply(requestOf(conversation.hello)));
    expect(server.chats()[0]?.generationConfig?.maxOutputTokens).toBe(8_192);
  });

  it('asks once per reply, and closes the connection of one that is left', async () => {
    const { client, server } = await opened();
    server.faults.fail({ kind: 'drop', after: 1 }, 3);
    await expect(partsOf(client.reply(requestOf(conversation.hello)))).rejects.toMatchObject({ kind: 'unreachable' });
    expect(server.requests).toHaveLength(1);
    server.faults.mend();
    server.faults.fail({ kind: 'stall', after: 1 });
    for await (const _ of client.reply(requestOf(conversation.hello))) break;
    await expect.poll(server.cancelled).toBe(2);
  });

  it('tells a page from a reply', async () => {
    const page = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>a proxy says hello</html>');
    });
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
    const client = gemini.create({ env: { GOOGLE_API_KEY: KEY, GEMINI_BASE_URL: url } });
    const asked = partsOf(client.reply(requestOf(conversation.hello)));
    await expect(asked).rejects.toMatchObject({ kind: 'malformed' });
    page.closeAllConnections();
    page.close();
  });

  it('reports the tokens used', async () => {
    const { client } = await opened();
    const parts = await partsOf(client.reply(requestOf(conversation.hello)));
    expect(parts.filter(({ type }) => type === 'usage')).toEqual([
      { type: 'usage', promptTokens: 12, completionTokens: 4 },
    ]);
  });

  it('checks without cost, and names the model that is missing', async () => {
    const { client, server } = await opened({ models: ['gemini-2.5-pro'] });
    await expect(client.check?.(AbortSignal.timeout(2000))).rejects.toMatchObject({
      kind: 'invalid-request',
      message: 'gemini has no model "gemini-2.5-flash"',
    });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
  });
});
