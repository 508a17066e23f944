// Speech to speech in the application as it is started: the mode is chosen, the greeting is heard once, who serves is shown, and the
// call goes on with the next vendor, then by the pipeline.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadClip } from '../../fixtures/audio/clips.ts';
import type { Fault } from '../../fixtures/faults.ts';
import { decodeTones, markThroughout } from '../../fixtures/tones.ts';
import { startCartesia } from '../../fixtures/vendors/cartesia.ts';
import { startDeepgram } from '../../fixtures/vendors/deepgram.ts';
import { startGeminiLive } from '../../fixtures/vendors/gemini-live.ts';
import { textOfContent } from '../../fixtures/vendors/gemini-protocol.ts';
import { startOpenAiRealtime } from '../../fixtures/vendors/openai-realtime.ts';
import { startOpenRouter } from '../../fixtures/vendors/openrouter.ts';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { greetingInstructions } from '../../src/text/greeting-prompt.ts';
import { type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { freeTcpPorts, startTestServer, type TestServer } from './support/server.ts';
import { withoutTears } from './support/without-tears.ts';

const always = Number.POSITIVE_INFINITY;
const gone: Fault = { kind: 'refuse' };
const GREETING = 'Hello, this is Sam from Maple Street Furniture. What can I do for you?';
const SPOKEN_GREETING = [30, 31];

/** What both models say: the greeting as tones, and what they heard between words of their own. */
function reply(asked: string, heard: string) {
  const said = asked.includes(greetingInstructions(GREETING)) ? 'w30 w31' : `w20 ${heard} w21 w22 w23 w24 w25`;
  return { text: said.match(/\S+\s*/g) ?? [] };
}
const replyTo = (heard: readonly number[]) => [20, ...heard, 21, 22, 23, 24, 25];

describe('a call that is held speech to speech', () => {
  let server: TestServer;
  let main: MainProcess;
  let url: string;
  let vendors: Awaited<ReturnType<typeof startVendors>>;
  let caller: Caller;

  async function startVendors() {
    const [geminiLive, openaiRealtime, deepgram, openrouter, cartesia] = await Promise.all([
      startGeminiLive({
        reply: ({ turns, heard }) => reply(turns.slice(-2).map(textOfContent).join('\n'), wordsIn(heard)),
      }),
      startOpenAiRealtime({
        reply: ({ responseInstructions, lastUserText }) => reply(responseInstructions ?? '', lastUserText),
      }),
      startDeepgram({ interimEveryMs: 200 }),
      startOpenRouter({ everyMs: 30 }),
      startCartesia(),
    ]);
    return { geminiLive, openaiRealtime, deepgram, openrouter, cartesia };
  }

  beforeAll(async () => {
    [server, vendors] = await Promise.all([startTestServer(), startVendors()]);
    const [port] = await freeTcpPorts(1);
    url = `http://127.0.0.1:${port}`;
    main = spawnMain({
      args: ['--no-open', '--port', String(port), '--persona', 'support'],
      env: {
        LIVEKIT_URL: server.url,
        LIVEKIT_API_KEY: server.apiKey,
        LIVEKIT_API_SECRET: server.apiSecret,
        LOG_FORMAT: 'json',
        GEMINI_API_KEY: 'gemini-key-of-a-test',
        GEMINI_BASE_URL: vendors.geminiLive.url,
        OPENAI_API_KEY: 'openai-key-of-a-test',
        OPENAI_BASE_URL: vendors.openaiRealtime.url,
        WHISPER_BASE_URL: vendors.openaiRealtime.url,
        DEEPGRAM_API_KEY: 'deepgram-key-of-a-test',
        DEEPGRAM_BASE_URL: vendors.deepgram.url,
        OPENROUTER_API_KEY: 'openrouter-key-of-a-test',
        OPENROUTER_BASE_URL: vendors.openrouter.url,
        CARTESIA_API_KEY: 'cartesia-key-of-a-test',
        CARTESIA_BASE_URL: vendors.cartesia.url,
      },
    });
    await main.says(/ready: talk at/);
  });
  afterAll(async () => {
    await caller?.leave();
    main?.kill('SIGINT');
    await main?.exited;
    expect(main?.output() ?? '').not.toContain('key-of-a-test');
    await Promise.all(Object.values(vendors ?? {}).map((vendor) => vendor.close()));
    await server?.stop();
  });

  const join = async (body: object) => {
    const response = await fetch(`${url}/api/calls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    caller = await joinAsCaller((await response.json()) as { url: string; token: string });
    expect(await caller.waitForAgent(60_000)).toBe(true);
  };
  const atTheEar = (sinceMs: number) => {
    const { agent, sampleRateHz } = caller.recording(sinceMs);
    return withoutTears(decodeTones(agent, sampleRateHz)).map(({ index }) => index);
  };
  const serving = () =>
    (JSON.parse(caller.stages ?? '[]') as { stage: string; provider: string }[]).map(
      ({ stage, provider }) => `${stage} ${provider}`,
    );
  const said = (who: 'caller' | 'agent', sinceMs: number) => {
    const last = new Map(
      caller.transcripts
        .filter((event) => event.who === who && event.startedAtMs >= sinceMs)
        .map((event) => [event.segmentId, event.text.trim()]),
    );
    return [...last.values()].join(' ');
  };
  const switches = () =>
    main
      .output()
      .split('\n')
      .flatMap((line) => (line.includes('"provider_switch"') ? [JSON.parse(line.slice(line.indexOf('{')))] : []))
      .map(({ stage, from, to, kind }) => `${stage} ${from} → ${to} ${kind}`);
  const say = async (words: readonly number[]) => {
    const { samples, sampleRateHz } = loadClip('question');
    const sinceMs = caller.nowMs();
    await caller.speak(markThroughout(samples, sampleRateHz, words), sampleRateHz);
    return sinceMs;
  };
  const answered = async (sinceMs: number) =>
    expect(await caller.waitForAgentToFinish({ sinceMs, timeoutMs: 40_000 })).toBe(true);

  it('greets once with the persona’s words, by the first vendor', async () => {
    await join({ mode: 'speech-to-speech' });
    await answered(0);
    expect(atTheEar(0)).toEqual(SPOKEN_GREETING);
    expect(serving()).toEqual(['realtime gemini-live']);
    expect(vendors.geminiLive.sessions).toHaveLength(1);
    const [session] = vendors.geminiLive.sessions;
    expect(session?.instructions).toMatch(/^You are Sam/);
    expect(session?.tools).toEqual(['take_message']);
    expect(session?.voice).toBe('Aoede');
  });

  it('answers what is typed', async () => {
    const sinceMs = caller.nowMs();
    await caller.sendText('w14 w15');
    await answered(sinceMs);
    expect(atTheEar(sinceMs)).toEqual(replyTo([14, 15]));
  });

  it('goes on with the next vendor in the middle of a reply', async () => {
    // The vendor's reply goes on for as long as it takes to play it.
    await expect.poll(() => vendors.geminiLive.sessions.at(-1)?.moment, { timeout: 10_000 }).toBe('idle');
    vendors.geminiLive.faults.fail(gone, always);
    vendors.geminiLive.breakWhen('speaking', { kind: 'drop', after: 14, code: 1011 });
    const sinceMs = await say([0, 1, 2, 3, 4, 5]);
    await answered(sinceMs);
    expect(withoutSeam(atTheEar(sinceMs), replyTo([0, 1, 2, 3, 4, 5]))).toEqual(replyTo([0, 1, 2, 3, 4, 5]));
    expect(wordsIn(said('caller', sinceMs))).toBe('w0 w1 w2 w3 w4 w5');
    await expect.poll(() => said('agent', sinceMs)).toBe('w20 w0 w1 w2 w3 w4 w5 w21 w22 w23 w24 w25');
    expect(switches()).toEqual(['realtime gemini-live → openai-realtime server']);
    await expect.poll(serving).toEqual(['realtime openai-realtime']);
    expect(main.output().match(/"turn_answered"/g)).toHaveLength(1);
    expect(vendors.openaiRealtime.sessions.at(-1)?.config).toMatchObject({ model: 'gpt-realtime' });
  });

  it('goes on by the three stages when no vendor is left', async () => {
    vendors.openaiRealtime.faults.fail(gone, always);
    vendors.openaiRealtime.faults.breakNow({ kind: 'drop', after: 0 });
    const pipeline = ['realtime pipeline', 'stt deepgram', 'llm openrouter', 'tts cartesia'];
    await expect.poll(serving, { timeout: 20_000 }).toEqual(pipeline);
    const sinceMs = await say([6, 7, 8, 9, 10, 11]);
    await answered(sinceMs);
    expect(atTheEar(sinceMs)).toEqual([6, 7, 8, 9, 10, 11]);
    expect(wordsIn(said('caller', sinceMs))).toBe('w6 w7 w8 w9 w10 w11');
    expect(switches().slice(1)).toEqual(['realtime openai-realtime → pipeline unreachable']);
    const { stages } = (await (await fetch(`${url}/api/providers`)).json()) as {
      stages: { stage: string; providers: { id: string; state: string }[] }[];
    };
    const chain = stages.find(({ stage }) => stage === 'realtime')?.providers ?? [];
    expect(chain.map(({ id }) => id)).toEqual(['gemini-live', 'openai-realtime', 'pipeline']);
    expect(chain.at(-1)?.state).toBe('active');
    await caller.leave();
  });

  it('greets by the three stages with the very words when no vendor was there from the beginning', async () => {
    const asked = [vendors.geminiLive, vendors.openaiRealtime].map(({ sessions }) => sessions.length);
    await join({ mode: 'speech-to-speech' });
    await expect.poll(() => serving()[0], { timeout: 10_000 }).toBe('realtime pipeline');
    await expect.poll(() => said('agent', 0), { timeout: 20_000 }).toBe(GREETING);
    expect([vendors.geminiLive, vendors.openaiRealtime].map(({ sessions }) => sessions.length)).toEqual(asked);
    await caller.leave();
  });

  it('is held by the three stages where it is not asked for', async () => {
    await join({});
    expect(serving()).toEqual(['stt deepgram', 'llm openrouter', 'tts cartesia']);
    await caller.leave();
  });
});

function wordsIn(text: string): string {
  return (text.match(/w\d+/g) ?? []).join(' ');
}

/** A word that broke in its middle may be said once more, whole. */
function withoutSeam(words: readonly number[], expected: readonly number[]): readonly number[] {
  if (words.length !== expected.length + 1) return words;
  return words.filter((word, place) => place === 0 || word !== words[place - 1]);
}
