// Speech to speech whose vendors are all dead: the pipeline goes on in the same call.
import { inference, initializeLogger } from '@livekit/agents';
import { realtime as openaiPlugin } from '@livekit/agents-plugin-openai';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../fixtures/faults.ts';
import { startDeepgram } from '../../fixtures/vendors/deepgram.ts';
import { startOpenAi } from '../../fixtures/vendors/openai.ts';
import { type OpenAiRealtimeFixture, startOpenAiRealtime } from '../../fixtures/vendors/openai-realtime.ts';
import type { Switch } from '../../src/failover/failover.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { LlmChain } from '../../src/llm/livekit/llm-chain.ts';
import { openai } from '../../src/llm/providers/openai.ts';
import { PipelineModel } from '../../src/pipeline/pipeline-model.ts';
import { RealtimeChain } from '../../src/realtime/livekit/realtime-chain.ts';
import { SttChain } from '../../src/stt/livekit/stt-chain.ts';
import { deepgramStt } from '../../src/stt/providers/deepgram/deepgram.ts';
import { TtsChain } from '../../src/tts/livekit/tts-chain.ts';
import { deepgramTts } from '../../src/tts/providers/deepgram/deepgram.ts';
import { RealtimeCaller } from '../realtime/support/caller.ts';
import { eventually } from '../support/eventually.ts';

const reply = (heard: string) => ({ text: `w20 ${heard} w21 w22 w23 w24`.split(/(?<=\s)/) });
const vad = new inference.VAD();
const over: (() => Promise<unknown>)[] = [];
let realtime: OpenAiRealtimeFixture;
let person: RealtimeCaller;
let switches: Switch[];

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
beforeEach(async () => {
  const [speech, chats] = await Promise.all([
    startDeepgram(),
    startOpenAi({ reply: ({ messages }) => reply(lastUserText(messages)) }),
  ]);
  realtime = await startOpenAiRealtime({ reply: ({ lastUserText: heard }) => reply(heard) });
  const env = {
    DEEPGRAM_API_KEY: 'key',
    DEEPGRAM_BASE_URL: speech.url,
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: chats.url,
  };
  const board = new MemoryHealthBoard();
  const link = <Client, Traits>(id: string, traits: Traits, client: Client) => ({ id, traits, client });
  const tts = new TtsChain([link('deepgram', deepgramTts.traits, deepgramTts.create({ env }))], { board });
  const pipeline = new PipelineModel({
    stt: new SttChain([link('deepgram', deepgramStt.traits, deepgramStt.create({ env }))], { board, vad }),
    llm: new LlmChain([link('openai', openai.traits, openai.create({ env }))], { board }),
    tts,
    vad,
  });
  const vendor = new openaiPlugin.RealtimeModel({
    apiKey: 'sk-test',
    baseURL: realtime.url,
    turnDetection: { type: 'server_vad', silence_duration_ms: 400 },
  });
  switches = [];
  const chain = new RealtimeChain([vendor, pipeline], { board, onSwitch: (event) => switches.push(event) });
  const session = chain.session();
  await session._updateSession('Be brief.');
  person = new RealtimeCaller(session);
  over.push(
    () => realtime.close(),
    () => chats.close(),
    () => speech.close(),
    () => tts.close(),
    () => chain.close(),
    () => person.end(),
  );
});
afterEach(async () => {
  for (const end of over.splice(0).reverse()) await end();
});

function lastUserText(messages: readonly { role: string; content?: unknown }[]): string {
  return String(
    messages.findLast(({ role, content }) => role === 'user' && /^w\d/.test(String(content)))?.content ?? '',
  );
}

describe('realtime → pipeline', () => {
  const moments = {
    idle: { kind: 'drop', after: 0, code: 1006 },
    listening: { kind: 'drop', after: 2, code: 1011 },
    thinking: { kind: 'stall', after: 0 },
    speaking: { kind: 'drop', after: 3, code: 1006 },
  } as const satisfies Record<string, Fault>;

  it.each(Object.keys(moments) as (keyof typeof moments)[])('the last vendor dies while %s', async (moment) => {
    await person.say([7]);
    expect((await person.reply(0)).words).toEqual([20, 7, 21, 22, 23, 24]);
    realtime.faults.fail({ kind: 'status', status: 402 }, Number.POSITIVE_INFINITY);
    realtime.breakWhen(moment, moments[moment]);
    await person.say([1, 2, 3]);
    const { words, text } = await person.reply(1);
    expect(words.filter((word, at) => word !== words[at - 1])).toEqual([20, 1, 2, 3, 21, 22, 23, 24]);
    expect(text.trim().split(/\s+/)).toEqual('w20 w1 w2 w3 w21 w22 w23 w24'.split(' '));
    await person.say([4, 5]);
    expect((await person.reply(2)).words).toEqual([20, 4, 5, 21, 22, 23, 24]);
    expect(person.heard).toEqual(['w7', 'w1 w2 w3', 'w4 w5']);
    expect(person.errors).toEqual([]);
    // Who is silent is overtaken before it has failed.
    await eventually('it has failed', () => switches.length > 0);
    expect(switches.map(({ to }) => to)).toEqual(['bulletproof.PipelineModel']);
  });
});
