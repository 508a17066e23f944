// The caller in a real room, against a stand-in that keeps its own record: who heard what, and when.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeMarks, decodeTones, markWords, spreadWords } from '../../fixtures/tones.ts';
import { readWav, writeWav } from '../../src/audio/wav.ts';
import { UserError } from '../../src/config/user-error.ts';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import type { TranscriptEvent } from '../../src/livekit/caller-transcripts.ts';
import { issueToken } from '../../src/livekit/tokens.ts';
import { measureTurn } from '../../src/livekit/voice-to-voice.ts';
import { speechLike } from '../support/speech-like.ts';
import { type EchoAgent, type EchoAgentOptions, startEchoAgent } from './support/echo-agent.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { withoutTears } from './support/without-tears.ts';

const CLIP_RATE_HZ = 16_000;
const CLIP_LEAD_MS = 100;
const CLIP_VOICED_MS = 1200;

let server: TestServer;
let directory = '';
let rooms = 0;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startTestServer();
  directory = await mkdtemp(join(tmpdir(), 'bulletproof-caller-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const newRoom = () => `caller-${++rooms}`;
const indices = (words: readonly { index: number }[]) => words.map(({ index }) => index);

/** Silence, marked speech, and more silence than the stand-in needs to take it for the end. */
function clip(words: readonly number[]): Int16Array {
  const speech = speechLike(CLIP_RATE_HZ, CLIP_VOICED_MS / 1000);
  const marked = markWords(speech, CLIP_RATE_HZ, spreadWords(words, 0, CLIP_VOICED_MS));
  const samples = new Int16Array(CLIP_RATE_HZ * 2);
  samples.set(marked, (CLIP_RATE_HZ * CLIP_LEAD_MS) / 1000);
  return samples;
}

async function agentIn(room: string, options: Pick<EchoAgentOptions, 'greeting' | 'replies'>): Promise<EchoAgent> {
  const token = new AccessToken(server.apiKey, server.apiSecret, { identity: 'agent' });
  token.kind = 'agent';
  token.addGrant({ roomJoin: true, room, canUpdateOwnMetadata: true });
  const agent = await startEchoAgent({ url: server.url, token: await token.toJwt(), ...options });
  cleanups.push(() => agent.leave());
  return agent;
}

async function callerIn(room: string, signal?: AbortSignal): Promise<Caller> {
  const { url, apiKey, apiSecret } = server;
  const token = await issueToken({ apiKey, apiSecret, room, identity: 'caller' });
  const caller = await joinAsCaller({ url, token, ...(signal && { signal }) });
  cleanups.push(() => caller.leave());
  return caller;
}

/** Both sides are on one clock; a busy machine hands a frame over late, but never by seconds. */
const CLOCK_MS = 500;

describe('joinAsCaller', () => {
  it('measures voice to voice as the stand-in recorded it, and loses no word on either way', async () => {
    const delaysMs = [600, 1500, 900];
    const room = newRoom();
    const agent = await agentIn(room, {
      greeting: [1, 2, 3],
      replies: delaysMs.map((delayMs, turn) => ({ delayMs, words: [10 + turn, 20 + turn, 30 + turn] })),
    });
    const caller = await callerIn(room);
    const zeroMs = performance.now() - caller.nowMs();
    expect(await caller.waitForAgent(20_000)).toBe(true);
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);

    for (const [turn, delayMs] of delaysMs.entries()) {
      const said = await caller.speak(clip([turn, turn + 5, turn + 10]), CLIP_RATE_HZ);
      if (!said) throw new Error('the caller did not speak');
      expect(Math.abs(said.firstVoicedMs - said.startMs - CLIP_LEAD_MS)).toBeLessThan(CLOCK_MS);
      expect(Math.abs(said.lastVoicedMs - said.firstVoicedMs - CLIP_VOICED_MS)).toBeLessThan(CLOCK_MS);
      // The stand-in's own record comes from another process, on a busy machine after its sound.
      await expect.poll(() => agent.turns[turn]?.repliedMs, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(await caller.waitForAgentToFinish({ sinceMs: said.lastVoicedMs, timeoutMs: 20_000 })).toBe(true);

      const { voiceToVoiceMs = Number.NaN, cutInMs } = measureTurn(said, caller.agentSpans(said.firstVoicedMs));
      const { heardLastVoicedMs, repliedMs } = agent.turns[turn] ?? { heardLastVoicedMs: 0, repliedMs: 0 };
      expect(cutInMs).toBeUndefined();
      expect(repliedMs - heardLastVoicedMs).toBeGreaterThanOrEqual(delayMs);
      // Sound takes its time on the way there and back, and is never heard before it was made.
      expect(heardLastVoicedMs - zeroMs - said.lastVoicedMs).toBeGreaterThan(0);
      expect(said.lastVoicedMs + voiceToVoiceMs - (repliedMs - zeroMs)).toBeGreaterThan(0);
      // Buffers between the two hold some 40 to 150 ms, and on a busy machine several times that; never seconds.
      expect(voiceToVoiceMs - (repliedMs - heardLastVoicedMs)).toBeLessThan(3000);
    }

    const { agent: played, caller: spoken, sampleRateHz } = caller.recording();
    const words = withoutTears(decodeTones(played, sampleRateHz));
    expect(indices(words), JSON.stringify(words)).toEqual([1, 2, 3, 10, 20, 30, 11, 21, 31, 12, 22, 32]);
    const marks = [0, 5, 10, 1, 6, 11, 2, 7, 12];
    expect(indices(withoutTears(decodeMarks(agent.heard(), 48_000)))).toEqual(marks);
    const own = decodeMarks(spoken, sampleRateHz);
    expect(indices(own)).toEqual(marks);
    expect(Math.abs((own[3]?.startMs ?? 0) - (caller.utterances[1]?.firstVoicedMs ?? 0))).toBeLessThan(CLOCK_MS);
  });

  it('tells both transcripts, the state of the agent, and passes on what is typed', async () => {
    const room = newRoom();
    const agent = await agentIn(room, { replies: [{ delayMs: 500, words: [4, 5] }] });
    const caller = await callerIn(room);
    const states: string[] = [];
    caller.on('state', ({ state }) => states.push(state));
    await caller.waitForAgent(20_000);
    await caller.sendText('how much is it?');
    const said = await caller.speak(clip([1]), CLIP_RATE_HZ);
    await caller.waitForAgentToFinish({ sinceMs: said?.lastVoicedMs ?? 0, timeoutMs: 20_000 });

    const of = (side: TranscriptEvent['who']) => caller.transcripts.filter(({ who }) => who === side);
    const ofCaller = of('caller').map(({ text, final }) => ({ text, final }));
    expect(ofCaller.at(-1)).toEqual({ text: 'turn 0 ends', final: true });
    // An interim that is read too late is left out.
    const interims = ofCaller.slice(0, -1).map(({ text }) => text);
    expect(['turn', 'turn 0'].filter((text) => interims.includes(text))).toEqual(interims);
    expect(new Set(of('caller').map(({ segmentId }) => segmentId)).size).toBe(1);
    expect(of('agent').at(-1)).toMatchObject({ text: 'w4 w5', final: true });
    const times = caller.transcripts.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(states.slice(-3)).toEqual(['thinking', 'speaking', 'listening']);
    expect(agent.typed).toEqual(['how much is it?']);
  });

  it('waits in vain for an agent that does not come, and breaks off when aborted', async () => {
    const abort = new AbortController();
    const caller = await callerIn(newRoom(), abort.signal);
    expect(await caller.waitForAgent(300)).toBe(false);
    const speaking = caller.speak(clip([1, 2]), CLIP_RATE_HZ);
    await caller.waitUntil(() => false, 500);
    abort.abort();
    const said = await speaking;
    expect((said?.endMs ?? 0) - (said?.startMs ?? 0)).toBeLessThan(2000);
    expect(await caller.speak(clip([1]), CLIP_RATE_HZ)).toBeUndefined();
    expect(caller.gone).toBe('left');
  });

  it('notices that the room is gone', async () => {
    const room = newRoom();
    const caller = await callerIn(room);
    const dropped = once(caller, 'dropped');
    const rpc = new RoomServiceClient(server.url.replace('ws', 'http'), server.apiKey, server.apiSecret);
    await rpc.deleteRoom(room);
    await dropped;
    expect(caller.gone).toBe('ROOM_DELETED');
    expect(await caller.waitForAgent(60_000)).toBe(false);
  });

  it('says in a line why it can not join, without the token', async () => {
    const join = (url: string, token: string) => joinAsCaller({ url, token }).catch((error: unknown) => error);
    const { apiKey, url } = server;
    const token = await issueToken({ apiKey, apiSecret: 'not-the-secret'.repeat(3), room: 'x', identity: 'caller' });
    const refused = await join(url, token);
    expect(refused).toBeInstanceOf(UserError);
    expect((refused as UserError).message).toBe(`the LiveKit server at ${url} refuses the caller's token`);
    expect((await join('ws://127.0.0.1:9', token)) as Error).toMatchObject({ name: 'UserError' });
  });
});

describe('pnpm call', () => {
  const script = fileURLToPath(new URL('../../src/cli/call.ts', import.meta.url));

  function start(...args: string[]): {
    child: ChildProcess;
    ended: Promise<{ code: unknown; stdout: string; stderr: string }>;
  } {
    const { url: LIVEKIT_URL, apiKey: LIVEKIT_API_KEY, apiSecret: LIVEKIT_API_SECRET } = server;
    const child = spawn(process.execPath, [script, ...args], {
      cwd: directory,
      env: { ...process.env, LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, NODE_ENV: 'production' },
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (output.stdout += chunk));
    child.stderr.on('data', (chunk) => (output.stderr += chunk));
    const ended = once(child, 'close').then(([code]) => ({ code, ...output }));
    cleanups.push(() => {
      child.kill('SIGKILL');
      return ended;
    });
    return { child, ended };
  }

  const wordsIn = async (file: string) => {
    const { samples, sampleRateHz } = readWav(await readFile(join(directory, file)));
    return indices(decodeTones(samples, sampleRateHz));
  };

  it('takes turns, writes what the agent said, and ends with 0', async () => {
    await writeFile(join(directory, 'question.wav'), writeWav(clip([1, 2]), CLIP_RATE_HZ));
    const room = newRoom();
    const replies = [
      { delayMs: 500, words: [4, 5] },
      { delayMs: 700, words: [6, 6] },
    ];
    await agentIn(room, { greeting: [1, 2], replies });
    const { code, stdout, stderr } = await start('--room', room, 'question.wav', 'question.wav').ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/ s {2}caller {2}turn 0 ends\n/);
    expect(stdout).toMatch(/ s {2}agent {3}w4 w5\n/);
    expect(stdout).toMatch(/turn 2: voice to voice \d+ ms\n2 of 2 turns answered/);
    expect(await wordsIn(`call-${room}.wav`)).toEqual([1, 2, 4, 5, 6, 6]);
  });

  it('ends with 1 when the agent does not answer, or does not come', async () => {
    await writeFile(join(directory, 'question.wav'), writeWav(clip([1, 2]), CLIP_RATE_HZ));
    const room = newRoom();
    await agentIn(room, { greeting: [1, 2], replies: [] });
    const silent = await start('--room', room, '--timeout', '2', '--json', 'question.wav').ended;
    expect(silent.code).toBe(1);
    const events = silent.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ event: 'summary', agentCame: true, turns: [{ turn: 1, answered: false }] });

    const absent = await start('--room', newRoom(), '--timeout', '1', 'question.wav').ended;
    expect(absent.code).toBe(1);
    expect(absent.stdout).toContain('no agent came to room');
  });

  it('leaves at Ctrl-C with what it heard', async () => {
    await writeFile(join(directory, 'question.wav'), writeWav(clip([1, 2]), CLIP_RATE_HZ));
    const room = newRoom();
    await agentIn(room, { greeting: [1, 2], replies: [] });
    const { child, ended } = start('--room', room, '--out', 'cut.wav', 'question.wav');
    let seen = '';
    child.stdout?.on('data', (chunk) => {
      seen += chunk;
      if (seen.includes('turn 1: question.wav')) child.kill('SIGINT');
    });
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(stdout).toContain('the call ended early: interrupted');
    expect(await wordsIn('cut.wav')).toEqual([1, 2]);
  });
});
