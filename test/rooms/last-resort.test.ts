// Every provider of a stage fails in a real call: the caller is never left in silence, loses no word, and can leave a message.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadClip } from '../../fixtures/audio/clips.ts';
import { decodeMarks, decodeTones, markThroughout, speakTones } from '../../fixtures/tones.ts';
import { startCartesia } from '../../fixtures/vendors/cartesia.ts';
import { startDeepgram } from '../../fixtures/vendors/deepgram.ts';
import { startOpenRouter } from '../../fixtures/vendors/openrouter.ts';
import { readWav, writeWav } from '../../src/audio/wav.ts';
import type { Heard } from '../../src/call/conversation.ts';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { issueToken } from '../../src/livekit/tokens.ts';
import { type SpawnedWorker, spawnWorker } from '../support/spawn-worker.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { withoutTears } from './support/without-tears.ts';

const WAITING = [40, 41, 42];
const RECORDED = { waiting: WAITING, message: [44, 45], thanks: [47, 48], goodbye: [50, 51] };
const SAID = [0, 1, 2, 3, 4, 5];
const RATE_HZ = 24_000;

const always = Number.POSITIVE_INFINITY;
const unavailable = { kind: 'status', status: 503 } as const;
const inWords = (words: readonly number[]) => words.map((index) => `w${index}`).join(' ');

async function startVendors() {
  const [deepgram, openrouter, cartesia] = await Promise.all([
    startDeepgram({ interimEveryMs: 200 }),
    startOpenRouter(),
    startCartesia(),
  ]);
  return { deepgram, openrouter, cartesia };
}
type Vendors = Awaited<ReturnType<typeof startVendors>>;

describe('a call of which a stage has nobody left', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-last-resort-'));
  const heardFile = join(directory, 'heard.jsonl');
  let server: TestServer;
  let worker: SpawnedWorker;
  let vendors: Vendors;
  let caller: Caller;
  let call = 0;

  beforeAll(async () => {
    const texts: Record<string, string> = {};
    for (const [name, words] of Object.entries(RECORDED)) {
      writeFileSync(join(directory, `${name}.wav`), writeWav(speakTones(words, RATE_HZ), RATE_HZ));
      texts[`TEXT_${name}`] = inWords(words);
    }
    [server, vendors] = await Promise.all([startTestServer(), startVendors()]);
    worker = await spawnWorker(new URL('./support/last-resort-job.ts', import.meta.url), server, {
      env: {
        ...texts,
        TEST_DIRECTORY: directory,
        LOG_FORMAT: 'json',
        DEEPGRAM_API_KEY: 'dg-key-of-a-test',
        DEEPGRAM_BASE_URL: vendors.deepgram.url,
        OPENROUTER_API_KEY: 'or-key-of-a-test',
        OPENROUTER_BASE_URL: vendors.openrouter.url,
        CARTESIA_API_KEY: 'ca-key-of-a-test',
        CARTESIA_BASE_URL: vendors.cartesia.url,
      },
    });
  });
  afterAll(async () => {
    await worker?.stop();
    await Promise.all(Object.values(vendors ?? {}).map((vendor) => vendor.close()));
    await server?.stop();
    rmSync(directory, { recursive: true });
  });
  beforeEach(async () => {
    call += 1;
    writeFileSync(heardFile, '');
    for (const vendor of Object.values(vendors)) vendor.faults.mend();
  });
  afterEach(async () => {
    await caller?.leave();
  });

  const joinRoom = async () => {
    const token = await issueToken({ ...server, room: `last-resort-${call}`, identity: 'caller' });
    caller = await joinAsCaller({ url: server.url, token });
  };
  const conversation = () =>
    readFileSync(heardFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Heard);
  const wordsOf = (who: Heard['who']) =>
    conversation()
      .filter((message) => message.who === who)
      .flatMap(({ text }) => [...text.matchAll(/w(\d+)/g)].map(([, index]) => Number(index)));
  /** Whether a word was said twice the conversation tells: at the ear, a machine that stood still makes two of a long one. */
  const tonesSince = (fromMs: number) => {
    const { agent, sampleRateHz } = caller.recording(fromMs);
    const tones = withoutTears(decodeTones(agent, sampleRateHz)).map(({ index }) => index);
    return tones.filter((tone, at) => tone !== tones[at - 1]);
  };
  /** By the conversation: decoding what the caller hears takes time, in which the caller would stand still. */
  const comesToSay = (words: readonly number[], howOften: number, timeoutMs: number) =>
    caller.waitUntil(() => times(words, conversation()) >= howOften, timeoutMs);
  const times = (words: readonly number[], messages: readonly Heard[]) =>
    messages.filter(({ who, text }) => who === 'agent' && text.includes(inWords(words))).length;
  const marked = (words: readonly number[]) => {
    const { samples, sampleRateHz } = loadClip('question');
    return { samples: markThroughout(samples, sampleRateHz, words), sampleRateHz };
  };

  it('one stage after the other: a recorded sentence, again, and once it is mended the reply', async () => {
    await joinRoom();
    expect(await caller.waitForAgent(30_000)).toBe(true);
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);
    expect(tonesSince(0)).toEqual([30, 31]);

    for (const [turn, name] of (['deepgram', 'openrouter', 'cartesia'] as const).entries()) {
      const said = SAID.map((word) => turn * SAID.length + word);
      const before = times(WAITING, conversation());
      const { faults } = vendors[name];
      const sinceMs = caller.nowMs();
      faults.fail(unavailable, always);
      faults.breakNow({ kind: 'drop', after: 0, code: 1011 });
      const { samples, sampleRateHz } = marked(said);
      await caller.speak(samples, sampleRateHz);
      expect(await comesToSay(WAITING, before + 2, 20_000), `${name}: the sentence twice`).toBe(true);

      faults.mend();
      expect(await comesToSay(said, 1, 20_000), `${name}: the reply`).toBe(true);
      expect(await caller.waitForAgentToFinish({ sinceMs, timeoutMs: 20_000 })).toBe(true);
      const heard = tonesSince(sinceMs);
      expect({ name, reply: heard.filter((tone) => !WAITING.includes(tone)) }).toEqual({ name, reply: said });
      expect(heard.slice(0, heard.indexOf(said[0] as number)).filter((tone) => tone === 42).length).toBeGreaterThan(1);
      expect({ name, caller: wordsOf('caller').slice(-said.length) }).toEqual({ name, caller: said });
    }
    expect(wordsOf('caller')).toHaveLength(3 * SAID.length);
    const replied = wordsOf('agent').filter((word) => !WAITING.includes(word));
    expect(replied).toEqual([30, 31, ...wordsOf('caller')]);
    expect(worker.output()).not.toContain('-key-of-a-test');
  });

  it('everything fails for good: the caller is told, leaves a message, and the agent ends the call', async () => {
    for (const { faults } of Object.values(vendors)) faults.fail(unavailable, always);
    await joinRoom();
    expect(await caller.waitForAgent(30_000)).toBe(true);
    expect(await comesToSay(WAITING, 2, 20_000)).toBe(true);
    expect(await comesToSay(RECORDED.message, 1, 40_000)).toBe(true);
    const { samples, sampleRateHz } = marked(SAID);
    await caller.speak(samples, sampleRateHz);
    await caller.waitUntil(() => false, 30_000);
    expect(caller.gone).toBe('ROOM_DELETED');

    const tones = tonesSince(0);
    expect(tones.slice(0, -4).filter((tone) => !WAITING.includes(tone))).toEqual([]);
    expect(tones.slice(-4)).toEqual([...RECORDED.message, ...RECORDED.thanks]);
    expect(wordsOf('agent').slice(-2)).toEqual(RECORDED.thanks);

    const [file] = readdirSync(join(directory, 'messages'));
    const message = readWav(readFileSync(join(directory, 'messages', file as string)));
    expect(decodeMarks(message.samples, message.sampleRateHz).map(({ index }) => index)).toEqual(SAID);
    const [journal] = readdirSync(join(directory, 'journal'));
    const entry = JSON.parse(readFileSync(join(directory, 'journal', journal as string), 'utf8'));
    expect(entry).toMatchObject({
      type: 'recorded-message',
      persona: 'test',
      data: { file: join(directory, 'messages', file as string), stages: expect.arrayContaining(['tts']) },
    });
  });
});
