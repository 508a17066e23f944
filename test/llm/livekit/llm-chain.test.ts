import { APIStatusError, initializeLogger, llm } from '@livekit/agents';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { SpeechExpectation } from '../../../src/config/expectation.ts';
import type { ProviderError } from '../../../src/failover/provider-error.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import type { LlmLink, LlmPart, LlmRequest } from '../../../src/llm/contract.ts';
import { LlmChain, llmLinkFromPlugin } from '../../../src/llm/livekit/llm-chain.ts';
import { CONTINUATION_PROMPT } from '../../../src/text/continuation-prompt.ts';

function scriptedLink(parts: readonly LlmPart[], failure?: ProviderError) {
  const requests: LlmRequest[] = [];
  const link: LlmLink = {
    id: 'scripted',
    traits: { languages: 'any' },
    client: {
      close: async () => undefined,
      async *reply(request) {
        requests.push(request);
        yield* parts;
        if (failure) throw failure;
      },
    },
  };
  return { link, requests };
}

const lookUp = llm.tool({
  name: 'look_up',
  description: 'Looks it up.',
  parameters: z.object({ what: z.string() }),
  execute: async () => 'found',
});

function conversation(): llm.ChatContext {
  const context = llm.ChatContext.empty();
  context.addMessage({ role: 'system', content: 'Be kind.' });
  context.addMessage({ role: 'user', content: 'Where is it?' });
  context.insert(llm.FunctionCall.create({ callId: 'c1', name: 'look_up', args: '{"what":"it"}' }));
  context.insert(llm.FunctionCallOutput.create({ callId: 'c1', name: 'look_up', output: '"found"', isError: false }));
  context.addMessage({ role: 'assistant', content: 'It is', interrupted: true });
  return context;
}

describe('LlmChain', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  it('needs a link', () => {
    expect(() => new LlmChain([])).toThrow(RangeError);
  });

  it('goes on with a begun reply where the conversation asks for it, and repeats none of it', async () => {
    const { link, requests } = scriptedLink([{ type: 'text', text: 'It is on the table.' }]);
    const context = conversation();
    context.addMessage({ role: 'user', content: CONTINUATION_PROMPT });
    const stream = new LlmChain([link]).chat({ chatCtx: context });
    let text = '';
    for await (const { delta } of stream) text += delta?.content ?? '';
    expect(requests[0]?.continueFrom).toBe('It is');
    expect(requests[0]?.messages.at(-1)).toMatchObject({ role: 'tool-result' });
    expect(text).toBe(' on the table.');
  });

  it('asks with the whole conversation, tool calls and results included, and the tools', async () => {
    const { link, requests } = scriptedLink([]);
    const stream = new LlmChain([link], { language: 'es' }).chat({ chatCtx: conversation(), toolCtx: [lookUp] });
    for await (const _ of stream);
    expect(requests[0]?.messages).toEqual([
      { role: 'system', text: 'Be kind.' },
      { role: 'user', text: 'Where is it?' },
      { role: 'tool-call', call: { id: 'c1', name: 'look_up', arguments: '{"what":"it"}' } },
      { role: 'tool-result', callId: 'c1', name: 'look_up', output: '"found"', isError: false },
      { role: 'assistant', text: 'It is', interrupted: true },
    ]);
    expect(requests[0]?.language).toBe('es');
    expect(requests[0]?.tools[0]).toMatchObject({
      name: 'look_up',
      description: 'Looks it up.',
      parameters: { type: 'object', properties: { what: { type: 'string' } } },
    });
  });

  it('streams words and tool calls, and keeps what it expects to hear out of the reply', async () => {
    const expected: SpeechExpectation[] = [];
    const { link } = scriptedLink([
      { type: 'text', text: 'One ' },
      { type: 'expect', expectation: { kind: 'digits' } },
      { type: 'text', text: 'two' },
      { type: 'tool-call', call: { id: 'c2', name: 'look_up', arguments: '{}' } },
      { type: 'usage', promptTokens: 3, completionTokens: 2 },
    ]);
    const chain = new LlmChain([link], { onExpect: (expectation) => expected.push(expectation) });
    const reply = await chain.chat({ chatCtx: conversation() }).collect();
    expect(reply.text).toBe('One two');
    expect(reply.toolCalls.map(({ name, callId }) => [name, callId])).toEqual([['look_up', 'c2']]);
    expect(reply.usage?.totalTokens).toBe(5);
    expect(expected).toEqual([{ kind: 'digits' }]);
  });
});

describe('llmLinkFromPlugin', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  const request = (): LlmRequest => ({
    messages: [
      { role: 'user', text: 'Hi' },
      { role: 'tool-call', call: { id: 'c', name: 'look_up', arguments: '{}' } },
      { role: 'tool-result', callId: 'c', name: 'look_up', output: 'x', isError: true },
    ],
    tools: [
      { name: 'look_up', description: 'Looks.', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
    ],
    toolChoice: 'auto',
    language: 'en-US',
    signal: new AbortController().signal,
  });

  it('carries conversation, tools and reply through a LiveKit plugin and back', async () => {
    const { link, requests } = scriptedLink([
      { type: 'text', text: 'Yes' },
      { type: 'tool-call', call: { id: 'c', name: 'look_up', arguments: '{"a":"b"}' } },
    ]);
    const parts: LlmPart[] = [];
    for await (const part of llmLinkFromPlugin(new LlmChain([link])).client.reply(request())) parts.push(part);
    expect(parts).toEqual([
      { type: 'text', text: 'Yes' },
      { type: 'tool-call', call: { id: 'c', name: 'look_up', arguments: '{"a":"b"}' } },
    ]);
    expect(requests[0]?.messages).toEqual(request().messages);
    expect(requests[0]?.tools).toEqual(request().tools);
  });

  it('makes a ProviderError of an error that the plugin only emits, after the words that came before', async () => {
    const heard: string[] = [];
    const reading = (async () => {
      for await (const part of llmLinkFromPlugin(new BrokenLlm('refused', ['Half '])).client.reply(request()))
        if (part.type === 'text') heard.push(part.text);
    })();
    await expect(reading).rejects.toMatchObject({ name: 'ProviderError', kind: 'quota', status: 402 });
    expect(heard).toEqual(['Half ']);
  });
});

describe('a chain of LiveKit plugins', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  const words = ['One ', 'two ', 'three ', 'four ', 'five.'];
  it.each([
    ['refused', []],
    ['refused', words.slice(0, 2)],
    ['throws', []],
    ['throws', words.slice(0, 3)],
    ['hangs', []],
    ['hangs', words.slice(0, 4)],
    ['empty', []],
  ] as const)('goes on when the first one %s after %j, and shows nobody an error', async (fault, given) => {
    const errors: unknown[] = [];
    const switches: string[] = [];
    const chain = new LlmChain(
      [new BrokenLlm(fault, given), new BrokenLlm('well', words), new BrokenLlm('well', words)],
      {
        board: new MemoryHealthBoard(),
        onSwitch: ({ from, to }) => switches.push(`${from} → ${to}`),
      },
    );
    chain.on('error', (error) => errors.push(error));
    const reply = await chain.chat({ chatCtx: conversation() }).collect();
    expect(reply.text.trim()).toBe('One two three four five.');
    expect(errors).toEqual([]);
    // The labels are the same, so that a number keeps their healths apart.
    // A silence is helped by a hedge, and taken for a failure, and told as a switch, only later.
    expect(switches).toEqual(fault === 'hangs' ? [] : ['broken.LLM → broken.LLM#2']);
  });
});

type BrokenFault = 'refused' | 'throws' | 'hangs' | 'empty' | 'well';

/** A LiveKit plugin as its vendors' are: it emits its errors, or throws others, or says nothing. */
class BrokenLlm extends llm.LLM {
  readonly #fault: BrokenFault;
  readonly #given: readonly string[];

  constructor(fault: BrokenFault, given: readonly string[]) {
    super();
    this.#fault = fault;
    this.#given = given;
  }

  override label(): string {
    return 'broken.LLM';
  }

  override chat({ chatCtx }: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    return new BrokenStream(this, this.#fault, this.#given, chatCtx);
  }
}

class BrokenStream extends llm.LLMStream {
  readonly #fault: BrokenFault;
  readonly #given: readonly string[];

  constructor(owner: llm.LLM, fault: BrokenFault, given: readonly string[], chatCtx: llm.ChatContext) {
    super(owner, { chatCtx, connOptions: { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 } });
    this.#fault = fault;
    this.#given = given;
  }

  protected override async run(): Promise<void> {
    for (const content of this.#given) this.queue.put({ id: 'reply', delta: { role: 'assistant', content } });
    if (this.#fault === 'refused')
      throw new APIStatusError({ message: 'Payment required', options: { statusCode: 402 } });
    if (this.#fault === 'throws') throw new TypeError('undefined is not a function');
    if (this.#fault === 'hangs') {
      await new Promise<void>((resolve) => {
        this.abortController.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}
