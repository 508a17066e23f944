// The whole application as a visitor meets it: the page in a real Chromium, a recorded person as microphone, our agent.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadClip } from '../../fixtures/audio/clips.ts';
import { writeWav } from '../../src/audio/wav.ts';
import { type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { openBrowser, type TestBrowser } from './support/browser.ts';
import { freeTcpPorts, repositoryRoot, startTestServer, type TestServer } from './support/server.ts';

const CLIP = loadClip('question');
/** The greeting is over by then, on a slow machine too. */
const SILENCE_BEFORE_MS = 14_000;

describe('talking in the browser', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-talk-'));
  let server: TestServer;
  let main: MainProcess;
  let browser: TestBrowser;

  beforeAll(async () => {
    server = await startTestServer();
    const [port] = await freeTcpPorts(1);
    main = spawnMain({
      directory,
      args: ['--no-open', '--port', String(port), '--persona', 'support'],
      env: { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: server.apiKey, LIVEKIT_API_SECRET: server.apiSecret },
    });
    await main.says(/ready: talk at/);
    const microphoneFile = join(directory, 'microphone.wav');
    const silent = (SILENCE_BEFORE_MS * CLIP.sampleRateHz) / 1_000;
    // A quiet room: no microphone gives perfect silence.
    const samples = Int16Array.from(
      { length: silent + CLIP.samples.length + silent },
      (_, i) => ((i * 7_919) % 41) - 20,
    );
    samples.set(CLIP.samples, silent);
    writeFileSync(microphoneFile, writeWav(samples, CLIP.sampleRateHz));
    browser = await openBrowser({ microphoneFile });
    await browser.page.goto(`http://localhost:${port}/`);
  });
  afterAll(async () => {
    await browser?.close();
    main?.kill('SIGINT');
    await main?.exited;
    await server?.stop();
    rmSync(directory, { recursive: true });
  });

  it('greets, hears the person, shows the words, and answers aloud', async () => {
    const { page, complaints } = browser;
    await page.getByRole('button', { name: 'Start the call' }).click();
    await page.locator('.line.agent', { hasText: 'this is Sam from Maple Street Furniture' }).waitFor();
    await page.locator('.stage.active', { hasText: 'PocketSphinx on this machine' }).waitFor();

    const heard = page.locator('.line.caller.final').first();
    await heard.waitFor({ timeout: 60_000 });
    const words = ((await heard.textContent()) ?? '').toLowerCase();
    const expected = CLIP.transcript.split(' ');
    const found = expected.filter((word) => words.includes(word));
    // Recognition gets about one word in four wrong.
    expect(found.length, words).toBeGreaterThanOrEqual(expected.length / 2);

    const level = () => page.evaluate<number>('document.querySelector("#level-agent meter").value');
    await expect.poll(level, { timeout: 30_000 }).toBeGreaterThan(20);
    await page.locator('.line.agent.final').nth(1).waitFor();
    await page.locator('.line.agent .time').first().waitFor();
    mkdirSync(join(repositoryRoot, '.bulletproof'), { recursive: true });
    await page.screenshot({ path: join(repositoryRoot, '.bulletproof/talk-page.png') });
    expect(complaints).toEqual([]);
  });
});
