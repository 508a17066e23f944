// A caller interrupts the agent in a real room: the conversation holds what was heard, word for word.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadClip } from '../../fixtures/audio/clips.ts';
import { decodeTones } from '../../fixtures/tones.ts';
import type { Heard } from '../../src/call/conversation.ts';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { issueToken } from '../../src/livekit/tokens.ts';
import { type SpawnedWorker, spawnWorker } from '../support/spawn-worker.ts';
import { startTestServer, type TestServer } from './support/server.ts';

describe('barge-in', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-barge-in-'));
  const heardFile = join(directory, 'heard.jsonl');
  let server: TestServer;
  let worker: SpawnedWorker;
  let caller: Caller;

  beforeAll(async () => {
    server = await startTestServer();
    worker = await spawnWorker(new URL('./support/tones-job.ts', import.meta.url), server, {
      env: { HEARD_FILE: heardFile },
    });
    const token = await issueToken({ ...server, room: 'barge-in', identity: 'caller' });
    caller = await joinAsCaller({ url: server.url, token });
  });
  afterAll(async () => {
    await caller?.leave();
    await worker?.stop();
    await server?.stop();
    rmSync(directory, { recursive: true });
  });

  const heard = (): Heard[] =>
    readFileSync(heardFile, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Heard);
  const wordsOf = (text: string) => [...text.matchAll(/w(\d+)/g)].map((match) => Number(match[1]));
  const tonesSince = (fromMs: number) => {
    const { agent, sampleRateHz } = caller.recording(fromMs);
    return decodeTones(agent, sampleRateHz).map(({ index }) => index);
  };

  it('plays a reply whole where nobody interrupts, and keeps all of it', async () => {
    expect(await caller.waitForAgent(30_000)).toBe(true);
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, timeoutMs: 20_000 })).toBe(true);
    expect(tonesSince(0)).toEqual([30, 31]);

    const { samples, sampleRateHz } = loadClip('question');
    const sinceMs = caller.nowMs();
    await caller.speak(samples, sampleRateHz);
    expect(await caller.waitForAgentToFinish({ sinceMs, timeoutMs: 30_000 })).toBe(true);
    const all = Array.from({ length: 24 }, (_, index) => index);
    expect(tonesSince(sinceMs)).toEqual(all);
    await expect.poll(() => heard().filter(({ who }) => who === 'agent').length).toBe(2);
    expect(heard().map(({ who }) => who)).toEqual(['agent', 'caller', 'agent']);
    expect(heard().at(-1)).toMatchObject({ interrupted: false });
    expect(wordsOf(heard().at(-1)?.text ?? '')).toEqual(all);
  });

  it('stops at the caller’s voice, and keeps only the words that were played', async () => {
    const { samples, sampleRateHz } = loadClip('question');
    const sinceMs = caller.nowMs();
    await caller.speak(samples, sampleRateHz);
    expect(await caller.waitUntil(() => tonesSince(sinceMs).length >= 5, 20_000)).toBe(true);
    const before = heard().length;
    await caller.speak(samples, sampleRateHz);
    await expect
      .poll(
        () =>
          heard()
            .slice(before)
            .some(({ interrupted }) => interrupted),
        { timeout: 10_000 },
      )
      .toBe(true);

    const cut = heard()
      .slice(before)
      .find(({ interrupted }) => interrupted) as Heard;
    const believed = wordsOf(cut.text);
    const played = tonesSince(sinceMs).slice(0, believed.length + 2);
    // In order from the first, none that was not heard. The word in which it was cut may be on either side: less than
    // 60 ms of it are too short for the decoder.
    const whole = believed.slice(0, -1);
    expect(played.slice(0, whole.length)).toEqual(whole);
    expect(believed.at(-1)).toBe(believed.length - 1);
    const heardFirst = played.findIndex((index, i) => i > 0 && index <= (played[i - 1] as number));
    const countPlayed = heardFirst === -1 ? played.length : heardFirst;
    expect(countPlayed - believed.length).toBeLessThanOrEqual(1);
    expect(believed.length).toBeGreaterThanOrEqual(5);
    expect(believed.length).toBeLessThan(24);
  });
});
