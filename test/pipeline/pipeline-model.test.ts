// The pipeline as a realtime model: turns in audio, replies, barge-in, tools, the conversation, failures of its stages.
import { inference, initializeLogger, llm } from '@livekit/agents';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadClip } from '../../fixtures/audio/clips.ts';
import { markThroughout } from '../../fixtures/tones.ts';
import type { ChatFixture, ChatOptions } from '../../fixtures/vendors/chat-completions.ts';
import { startDeepgram } from '../../fixtures/vendors/deepgram.ts';
import { startOpenAi } from '../../fixtures/vendors/openai.ts';
import { systemClock } from '../../src/failover/clock.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { LlmChain } from '../../src/llm/livekit/llm-chain.ts';
import { openai } from '../../src/llm/providers/openai.ts';
import { PipelineModel, type PipelineModelOptions } from '../../src/pipeline/pipeline-model.ts';
import { SttChain } from '../../src/stt/livekit/stt-chain.ts';
import { deepgramStt } from '../../src/stt/providers/deepgram/deepgram.ts';
import { TtsChain } from '../../src/tts/livekit/tts-chain.ts';
import { deepgramTts } from '../../src/tts/providers/deepgram/deepgram.ts';
import { BrokenLlm, BrokenStt, BrokenTts, LateLlm, SentenceTts } from '../realtime/support/broken-stages.ts';
import { type Caller, call, wordsIn } from '../realtime/support/pipeline-caller.ts';
import { eventually } from '../support/eventually.ts';

const WORDS = [1, 2, 3, 4, 5, 6];
const SAID = 'w1 w2 w3 w4 w5 w6';
const PATIENCE_MS = 20_000;

function utterance(words: readonly number[] = WORDS, clip = 'question'): Int16Array {
  const { samples, sampleRateHz } = loadClip(clip);
  return markThroughout(samples, sampleRateHz, words);
}

const board = () => new MemoryHealthBoard(DEFAULT_FAILOVER, systemClock);
const vad = new inference.VAD();
const over: (() => Promise<unknown>)[] = [];
let deepgram: Awaited<ReturnType<typeof startDeepgram>>;

beforeAll(async () => {
  initializeLogger({ pretty: false, level: 'silent' });
  deepgram = await startDeepgram();
});
afterAll(() => deepgram.close());
afterEach(async () => {
  for (const end of over.splice(0).reverse()) await end();
});

const env = () => ({ DEEPGRAM_API_KEY: 'key', DEEPGRAM_BASE_URL: deepgram.url });
const hear = () =>
  new SttChain([{ id: 'deepgram', traits: deepgramStt.traits, client: deepgramStt.create({ env: env() }) }], {
    board: board(),
    vad,
  });
const speak = () =>
  new TtsChain([{ id: 'deepgram', traits: deepgramTts.traits, client: deepgramTts.create({ env: env() }) }], {
    board: board(),
  });

async function start(options: ChatOptions & { stages?: Partial<PipelineModelOptions> } = {}) {
  const { stages, ...chat } = options;
  const chats = await startOpenAi(chat);
  const client = openai.create({ env: { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: chats.url } });
  const think = new LlmChain([{ id: 'openai', traits: openai.traits, client }], { board: board() });
  const synthesis = speak();
  const model = new PipelineModel({ stt: hear(), llm: think, tts: synthesis, vad, ...stages });
  const caller = call(model);
  over.push(
    () => chats.close(),
    () => synthesis.close(),
    () => caller.hangUp(),
  );
  return { ...caller, model, chats };
}

const reply = (caller: Pick<Caller, 'replies'>, index = 0) =>
  eventually(`reply ${index} is over`, () => caller.replies[index]?.isOver === true, PATIENCE_MS);
const lastUser = (chats: ChatFixture) =>
  chats
    .chats()
    .at(-1)
    ?.messages.findLast(({ role }) => role === 'user')?.content;

describe('a turn of the caller', () => {
  it('in one burst and silence after it: its words once, and a reply that is heard', async () => {
    const caller = await start();
    caller.say(utterance());
    caller.keepSilent();
    await reply(caller);
    expect(caller.events).toEqual(['started', 'stopped', 'transcript', 'generation']);
    expect(caller.finals.map(({ transcript }) => transcript)).toEqual([SAID]);
    const [answer] = caller.replies;
    expect(answer?.userInitiated).toBe(false);
    expect(answer?.text).toBe(`You said: ${SAID}`);
    expect(answer && wordsIn(answer)).toBe(SAID);
    expect(answer?.rateHz).toBe(24_000);
    expect(caller.session.chatCtx.items.map((item) => [item.id, item.type === 'message' && item.textContent])).toEqual([
      [caller.finals[0]?.itemId, SAID],
      [answer?.messageIds[0], `You said: ${SAID}`],
    ]);
    expect(caller.errors).toEqual([]);
    expect(caller.metrics).toMatchObject([{ type: 'realtime_model_metrics', cancelled: false }]);
  });

  it('at the rate of a room and in its time', async () => {
    const caller = await start();
    const samples = utterance();
    const at48 = Int16Array.from({ length: samples.length * 3 }, (_, at) => samples[Math.floor(at / 3)] as number);
    caller.say(at48, 48_000);
    caller.keepSilent();
    await reply(caller);
    expect(caller.finals).toHaveLength(1);
  });

  it('after turn, each with its own words', async () => {
    const caller = await start();
    for (const [index, words] of [WORDS, [7, 8, 9, 10], [11, 12, 13]].entries()) {
      caller.stopFrames();
      caller.say(utterance(words));
      caller.keepSilent();
      await reply(caller, index);
    }
    expect(caller.finals.map(({ transcript }) => transcript)).toEqual([SAID, 'w7 w8 w9 w10', 'w11 w12 w13']);
    expect(caller.replies.map(wordsIn)).toEqual([SAID, 'w7 w8 w9 w10', 'w11 w12 w13']);
    expect(caller.session.chatCtx.items).toHaveLength(6);
  });

  it('ends when the microphone is muted', async () => {
    const caller = await start();
    caller.say(utterance());
    await reply(caller);
    expect(caller.finals.map(({ transcript }) => transcript)).toEqual([SAID]);
  });

  it('of words without a voice ends too', async () => {
    const caller = await start();
    // Marks alone are nothing that the voice activity detection takes for speech.
    const words = [3, 4];
    const samples = markThroughout(new Int16Array(16_000), 16_000, words);
    caller.say(samples);
    caller.keepSilent();
    await reply(caller);
    expect(caller.finals.map(({ transcript }) => transcript)).toEqual(['w3 w4']);
    expect(caller.events).toEqual(['started', 'stopped', 'transcript', 'generation']);
  });

  it('without words is none', async () => {
    const caller = await start();
    caller.say(loadClip('question').samples);
    caller.keepSilent();
    await eventually('the voice ended', () => caller.events.includes('stopped'), PATIENCE_MS);
    caller.say(utterance());
    await reply(caller);
    expect(caller.events).toEqual(['started', 'stopped', 'started', 'stopped', 'transcript', 'generation']);
    expect(caller.chats.chats()).toHaveLength(1);
  });

  it('is forgotten when the audio is cleared', async () => {
    const caller = await start();
    caller.say(utterance([7, 8, 9]));
    await eventually('the voice began', () => caller.events.includes('started'), PATIENCE_MS);
    await caller.session.clearAudio();
    caller.say(utterance());
    caller.keepSilent();
    await reply(caller);
    expect(caller.finals.map(({ transcript }) => transcript)).toEqual([SAID]);
  });

  it('ends by a commit, with no reply but the one that is asked for', async () => {
    const caller = await start();
    caller.say(utterance());
    await eventually('the voice began', () => caller.events.includes('started'), PATIENCE_MS);
    await caller.session.commitAudio();
    await caller.session.generateReply();
    await reply(caller);
    expect(caller.finals).toHaveLength(1);
    expect(caller.replies.map(({ userInitiated }) => userInitiated)).toEqual([true]);
    expect(lastUser(caller.chats)).toBe(caller.finals[0]?.transcript);
  });
});

describe('a reply', () => {
  it('is asked for with instructions over a conversation in text', async () => {
    const caller = await start({ reply: () => ({ text: ['w7 ', 'w8.'] }) });
    await caller.session.updateInstructions('Be brief.');
    const context = llm.ChatContext.empty();
    context.addMessage({ role: 'user', content: 'w1' });
    context.addMessage({ role: 'assistant', content: 'w2' });
    await caller.session.updateChatCtx(context);
    const event = await caller.session.generateReply('Say goodbye.');
    await reply(caller);
    expect(event.userInitiated).toBe(true);
    expect(caller.replies.map(wordsIn)).toEqual(['w7 w8']);
    expect(caller.chats.chats()[0]?.messages.map(({ role, content }) => [role, content])).toEqual([
      ['system', 'Be brief.'],
      ['user', 'w1'],
      ['assistant', 'w2'],
      ['system', 'Say goodbye.'],
    ]);
    expect(context.items).toHaveLength(2);
    expect(caller.session.chatCtx.items).toHaveLength(3);
  });

  it('is cut off when the caller speaks, and what was heard of it stays', async () => {
    // Longer than the test may take.
    const words = ['w0 w1 w2 w3. ', ...Array.from({ length: 200 }, () => 'w4 w5 w6 w7. ')];
    const caller = await start({
      everyMs: 300,
      reply: ({ messages }) => ({ text: messages.some(({ role }) => role === 'user') ? ['w8.'] : words }),
    });
    void caller.session.generateReply();
    await eventually('the reply is heard', () => (caller.replies[0]?.audio.length ?? 0) > 0, PATIENCE_MS);
    caller.say(utterance());
    await reply(caller);
    expect(caller.replies[0]?.text.length).toBeLessThan(words.join('').length);
    const messageId = caller.replies[0]?.messageIds[0] as string;
    await caller.session.truncate({ messageId, audioEndMs: 300, audioTranscript: 'w0' });
    caller.keepSilent();
    await reply(caller, 1);
    expect(caller.replies.map(({ userInitiated }) => userInitiated)).toEqual([true, false]);
    expect(caller.session.chatCtx.items.map((item) => item.type === 'message' && item.textContent)).toEqual([
      'w0',
      SAID,
      'w8.',
    ]);
    await eventually('the model was told to stop', () => caller.chats.cancelled() > 0);
    expect(caller.metrics).toMatchObject([{ cancelled: true }, { cancelled: false }]);
  });

  it('that a noise cut off before it was heard is begun again', async () => {
    const late = new LateLlm('w1 w2 w3 w4.');
    const caller = await start({ stages: { llm: late } });
    void caller.session.generateReply('Greet.');
    caller.say(loadClip('question').samples);
    caller.keepSilent();
    await reply(caller, 1);
    expect(caller.events).toEqual(['generation', 'started', 'stopped', 'generation']);
    expect(caller.replies.map(wordsIn)).toEqual(['', 'w1 w2 w3 w4']);
    expect(late.asked).toEqual(['Greet.', 'Greet.']);
  });

  it('is gone from the conversation when nothing of it was heard', async () => {
    const caller = await start({ everyMs: 50 });
    const context = llm.ChatContext.empty();
    context.addMessage({ role: 'user', content: SAID });
    await caller.session.updateChatCtx(context);
    await caller.session.generateReply();
    await eventually('the reply began', () => caller.replies[0]?.text !== '', PATIENCE_MS);
    await caller.session.interrupt();
    await reply(caller);
    expect(caller.session.chatCtx.items).toHaveLength(2);
    await caller.session.truncate({ messageId: caller.replies[0]?.messageIds[0] as string, audioEndMs: 0 });
    expect(caller.session.chatCtx.items).toHaveLength(1);
  });

  it('calls a tool by its id, and goes on from the result', async () => {
    const toolCalls = [{ id: 'call_7', name: 'weather', arguments: '{"place":"Oslo"}' }];
    const caller = await start({
      reply: (_, number) => (number === 0 ? { text: ['w1 '], toolCalls } : { text: ['w2.'] }),
    });
    const weather = llm.tool({
      name: 'weather',
      description: 'The weather.',
      parameters: z.object({ place: z.string() }),
      execute: async () => 'sunny',
    });
    await caller.session.updateTools(new llm.ToolContext([weather]));
    caller.say(utterance());
    caller.keepSilent();
    await reply(caller);
    expect(caller.replies[0]?.calls).toMatchObject([{ callId: 'call_7', name: 'weather', args: '{"place":"Oslo"}' }]);
    expect(caller.chats.chats()[0]?.tools?.map((tool) => tool.function.name)).toEqual(['weather']);
    const context = caller.session.chatCtx;
    expect(context.items.map(({ type }) => type)).toEqual(['message', 'message', 'function_call']);
    context.items.push(
      llm.FunctionCallOutput.create({ callId: 'call_7', name: 'weather', output: 'sunny', isError: false }),
    );
    await caller.session.updateChatCtx(context);
    await caller.session.generateReply();
    await reply(caller, 1);
    const messages = caller.chats.chats()[1]?.messages ?? [];
    expect(messages.filter(({ role }) => role === 'tool')).toMatchObject([
      { tool_call_id: 'call_7', content: 'sunny' },
    ]);
    expect(wordsIn(caller.replies[1] as (typeof caller.replies)[number])).toBe('w2');
    expect(caller.session.tools.hasTool('weather')).toBe(true);
  });

  it('knows of a tool that still runs', async () => {
    const caller = await start();
    const context = llm.ChatContext.empty();
    context.addMessage({ role: 'user', content: 'w1' });
    context.items.push(llm.FunctionCall.create({ callId: 'call_8', name: 'weather', args: '{}' }));
    context.addMessage({ role: 'user', content: 'w2' });
    await caller.session.updateChatCtx(context);
    await caller.session.generateReply();
    await reply(caller);
    const results = caller.chats.chats()[0]?.messages.filter(({ role }) => role === 'tool');
    expect(results).toMatchObject([{ tool_call_id: 'call_8', content: 'No result yet.' }]);
    expect(caller.session.chatCtx.items.filter(({ type }) => type === 'function_call_output')).toEqual([]);
  });

  it('is not begun once nobody wants it', async () => {
    const caller = await start();
    await expect(caller.session.generateReply(undefined, { signal: AbortSignal.abort() })).rejects.toThrow(
      /not wanted/,
    );
    await caller.hangUp();
    await expect(caller.session.generateReply()).rejects.toThrow(/closed/);
    expect(caller.replies).toEqual([]);
  });

  it('is spoken sentence by sentence where the voice does not stream', async () => {
    const said: string[] = [];
    const caller = await start({
      reply: () => ({ text: ['w1 w2 is the first sentence. ', 'w3 w4 is ', 'the second sentence.'] }),
      stages: { tts: new SentenceTts((text) => said.push(text)) },
    });
    await caller.session.generateReply();
    await reply(caller);
    expect(said.join(' ')).toBe('w1 w2 is the first sentence. w3 w4 is the second sentence.');
    expect(caller.replies.map(wordsIn)).toEqual(['w1 w2 w3 w4']);
  });
});

describe('closing', () => {
  it.each(['listening', 'speaking'])('ends everything while %s', async (state) => {
    const caller = await start({ everyMs: 100 });
    caller.say(utterance());
    await eventually('the voice began', () => caller.events.includes('started'), PATIENCE_MS);
    if (state === 'speaking') {
      caller.keepSilent();
      await eventually('the reply began', () => (caller.replies[0]?.text ?? '') !== '', PATIENCE_MS);
    }
    await caller.model.close();
    if (state === 'speaking') await reply(caller);
    await caller.session.close();
    const told = caller.events.length;
    caller.say(utterance());
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(caller.events).toHaveLength(told);
    expect(caller.errors).toEqual([]);
  });
});

describe('a stage that fails', () => {
  it.each<[string, Partial<PipelineModelOptions>]>([
    ['a language model', { llm: new BrokenLlm() }],
    ['a voice', { tts: new BrokenTts(true) }],
    ['a voice that does not stream', { tts: new BrokenTts(false) }],
  ])('%s: an error, and the reply is over', async (_, stages) => {
    const caller = await start({ stages });
    await caller.session.generateReply();
    await reply(caller);
    await eventually('the error is told', () => caller.errors.length > 0);
    expect(caller.errors).toMatchObject([
      {
        type: 'realtime_model_error',
        recoverable: false,
        label: 'bulletproof.PipelineModel',
        error: { message: 'broken on command' },
      },
    ]);
  });

  it('a recogniser: an error, and the next turn is heard', async () => {
    const caller = await start({ stages: { stt: new BrokenStt() } });
    await eventually('the error is told', () => caller.errors.length > 0);
    caller.say(utterance());
    caller.keepSilent();
    await reply(caller);
    expect(caller.errors).toHaveLength(1);
    expect(caller.finals).toHaveLength(1);
  });

  it('nobody needs to listen for it', async () => {
    const model = new PipelineModel({ stt: new BrokenStt(), llm: new BrokenLlm(), tts: new BrokenTts(true), vad });
    const session = model.session();
    over.push(() => model.close());
    const { messageStream } = await session.generateReply();
    expect(await messageStream.getReader().read()).toEqual({ done: true, value: undefined });
  });
});
