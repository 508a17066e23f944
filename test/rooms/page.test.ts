// The talk page in a real Chromium, a real LiveKit room and a stand-in agent: what a caller sees and hears.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessToken } from 'livekit-server-sdk';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeWav } from '../../src/audio/wav.ts';
import type { CallRequest } from '../../src/config/call-request.ts';
import type { HttpDeps } from '../../src/http/deps.ts';
import { type HttpServer, startHttp } from '../../src/http/server.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { type BrowserOptions, openBrowser, type TestBrowser } from './support/browser.ts';
import { startTestServer, type TestServer } from './support/server.ts';
import { disposeRtc, joinAsAgent, type StandInAgent } from './support/stand-in-agent.ts';

const PERSONAS: HttpDeps['personas'] = [
  {
    id: 'sales',
    title: 'Sales',
    description: 'Plans and prices.',
    languages: ['en-US', 'en-GB'],
    isDefault: true,
    mode: 'pipeline',
  },
  { id: 'support', title: 'Support', description: 'Helps.', languages: ['en-US'], isDefault: false, mode: 'pipeline' },
];
const STAGES = [
  { stage: 'stt', provider: 'free-stt', title: 'PocketSphinx, on this machine', state: 'active' },
  { stage: 'llm', provider: 'free-llm', title: 'Scripted assistant', state: 'active' },
  { stage: 'tts', provider: 'free-tts', state: 'failed' },
];

/** For a server that is only asked for a port. */
const NOBODY: HttpDeps = {
  personas: [],
  createCall: () => Promise.reject(new Error('not asked for')),
  health: () => ({ live: true, ready: false, reasons: [] }),
  providers: () => [],
};

let livekit: TestServer;
let directory: string;
let microphoneFile: string;
const toClose: (() => Promise<void>)[] = [];
let rooms = 0;

beforeAll(async () => {
  livekit = await startTestServer();
  directory = await mkdtemp(join(tmpdir(), 'bulletproof-page-test-'));
  microphoneFile = join(directory, 'microphone.wav');
  await writeFile(microphoneFile, humming(20));
});

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

afterAll(async () => {
  await disposeRtc();
  await livekit?.stop();
  if (directory) await rm(directory, { recursive: true, force: true });
});

interface Scene extends TestBrowser {
  readonly http: HttpServer;
  /** The page's calls, newest last. */
  readonly calls: (Pick<CallRequest, 'persona' | 'language' | 'mode'> & { readonly room: string })[];
  agent(): Promise<StandInAgent>;
}

async function open(path = '/', browserOptions: BrowserOptions = {}, change: Partial<TestServer> = {}): Promise<Scene> {
  const { url, apiKey, apiSecret } = { ...livekit, ...change };
  const calls: Scene['calls'] = [];
  const http = await startHttp({
    port: 0,
    log: createLogger({ level: 'silent' }),
    deps: {
      livekitUrl: url,
      personas: PERSONAS,
      health: () => ({ live: true, ready: true, reasons: [] }),
      providers: () => [],
      createCall: async (request) => {
        const room = `page-${++rooms}`;
        const token = new AccessToken(apiKey, apiSecret, { identity: 'caller' });
        token.addGrant({ roomJoin: true, room });
        calls.push({ ...request, room });
        return { url, token: await token.toJwt(), room, identity: 'caller' };
      },
    },
  });
  toClose.push(() => http.close());
  const browser = await openBrowser({ microphoneFile, ...browserOptions });
  toClose.push(() => browser.close());
  await browser.page.goto(`${http.url}${path}`);
  await browser.page.getByRole('radio', { name: 'Sales' }).waitFor();
  return {
    ...browser,
    http,
    calls,
    agent: async () => {
      const agent = await joinAsAgent({ url, apiKey, apiSecret, room: calls.at(-1)?.room ?? '' });
      toClose.push(() => agent.leave());
      return agent;
    },
  };
}

const start = (page: Page) => page.getByRole('button', { name: 'Start the call' }).click();
const state = (page: Page, text: string) => page.locator('#state', { hasText: text }).waitFor();
const line = (page: Page, text: string) => page.locator('.line', { hasText: text });
const trouble = (page: Page) => page.getByRole('alert').locator('[data-title]');

describe('a call', () => {
  it('shows both sides, who serves, and how long the answer took', async () => {
    const { page, complaints, agent: join, calls } = await open();
    await start(page);
    await state(page, 'Calling');
    const agent = await join();
    await agent.setStages(STAGES);
    await agent.setState('listening');
    await state(page, 'Listening');
    expect(calls).toMatchObject([{ persona: 'sales', language: 'en-US' }]);
    await page.locator('.stage.active', { hasText: 'PocketSphinx, on this machine' }).waitFor();
    await page.locator('.stage.impaired', { hasText: 'free-tts' }).waitFor();

    await agent.heardCaller;
    await agent.guess('question', ['What does eat', 'What does it']);
    await line(page, 'What does it').and(page.locator('.interim.caller')).waitFor();
    await agent.hear('What does it cost?', 'question');
    await line(page, 'What does it cost?').and(page.locator('.final.caller')).waitFor();

    await agent.tell('bulletproof.turn', { turn: 1, voiceToVoiceMs: 640 });
    await agent.setState('speaking');
    const level = () => page.evaluate<number>('document.querySelector("#level-agent meter").value');
    await Promise.all([
      agent.speak('Forty nine dollars a month.', 500),
      expect.poll(level, { timeout: 30_000 }).toBeGreaterThan(20),
    ]);
    const answer = line(page, 'Forty nine dollars a month.').and(page.locator('.final.agent'));
    await answer.waitFor();
    expect(await answer.locator('.time').textContent()).toBe('0.64 s');
    expect(await page.locator('#median').textContent()).toBe('0.64 s');
    // A screen reader is told finished words only.
    const told = await page.locator('#announcer p').allTextContents();
    expect(told).toContain('You: What does it cost?');
    expect(told.join()).not.toContain('What does eat');

    await agent.tell('bulletproof.notice', { level: 'warning', text: 'Please speak slowly.' });
    await page.locator('.notice.warning', { hasText: 'Please speak slowly.' }).waitFor();
    await page.getByLabel('Message to the agent').fill('And by the year?');
    await page.keyboard.press('Enter');
    await line(page, 'And by the year?').locator('.tag', { hasText: 'typed' }).waitFor();
    await expect.poll(() => agent.typed).toEqual(['And by the year?']);

    await page.getByRole('button', { name: 'Hang up' }).click();
    await state(page, 'Call ended');
    await line(page, 'And by the year?').waitFor();
    expect(complaints).toEqual([]);
  });

  it('is muted and ended by keys, which keep out of what is typed', async () => {
    const { page, agent: join } = await open();
    await start(page);
    await state(page, 'Calling');
    const agent = await join();
    await agent.setState('listening');
    await state(page, 'Listening');
    await page.getByLabel('Message to the agent').fill('');
    await page.keyboard.type('mm');
    await page.keyboard.press('Escape');
    await state(page, 'Listening');
    await page.getByRole('button', { name: 'Hang up' }).focus();
    await page.keyboard.press('m');
    await state(page, 'You are muted');
    expect(await page.getByRole('button', { name: 'Unmute' }).getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('m');
    await state(page, 'Listening');
    await page.keyboard.press('Escape');
    await state(page, 'Call ended');
    expect(await page.evaluate('document.activeElement.id')).toBe('start');
  });

  it('is the one of the link, and the link follows the choice', async () => {
    const { page, calls } = await open('/?persona=support');
    expect(await page.getByRole('radio', { name: 'Support' }).isChecked()).toBe(true);
    await page.getByRole('radio', { name: 'Sales' }).check();
    await page.getByLabel('Language').selectOption('en-GB');
    expect(new URL(page.url()).search).toBe('?persona=sales&language=en-GB');
    const stages = page.locator('#stages .stage-name');
    expect(await stages.allTextContents()).toEqual(['Speech recognition', 'Language model', 'Voice']);
    await page.getByRole('switch', { name: 'Speech to speech' }).press('Space');
    expect(new URL(page.url()).search).toBe('?persona=sales&language=en-GB&mode=speech-to-speech');
    expect(await stages.allTextContents()).toEqual(['Speech to speech']);
    await start(page);
    await expect.poll(() => calls).toMatchObject([{ persona: 'sales', language: 'en-GB', mode: 'speech-to-speech' }]);
  });

  it('uses the microphone that was chosen, and remembers it', async () => {
    const { page, agent: join } = await open();
    const choice = page.getByLabel('Microphone');
    const names = await choice.locator('option').allTextContents();
    const other = names.at(-1) ?? '';
    expect(names.length).toBeGreaterThan(1);
    await choice.selectOption(other);
    await page.reload();
    await expect.poll(() => choice.locator('option:checked').textContent()).toBe(other);
    await start(page);
    await state(page, 'Calling');
    await (await join()).setState('listening');
    await state(page, 'Listening');
    await choice.selectOption('Default microphone');
    await state(page, 'Listening');
    expect(await page.getByRole('alert').isVisible()).toBe(false);
  });

  it('is hung up when the page is left', async () => {
    const { page, agent: join } = await open();
    await start(page);
    await state(page, 'Calling');
    const agent = await join();
    await agent.caller;
    await page.goto('about:blank');
    expect(await agent.callerLeft).toBe(true);
  });
});

describe('what goes wrong is said in words', () => {
  it('no agent comes', async () => {
    const { page, agent: join } = await open();
    await start(page);
    await trouble(page).filter({ hasText: 'No agent joined within 10 seconds.' }).waitFor();
    // It comes after all.
    await (await join()).setState('listening');
    await state(page, 'Listening');
    expect(await page.getByRole('alert').isVisible()).toBe(false);
  });

  it('the microphone is not allowed, and the call goes on by typing', async () => {
    const { page, agent: join } = await open('/', { permission: 'deny' });
    await start(page);
    await trouble(page).filter({ hasText: 'The microphone is not allowed.' }).waitFor();
    await page.getByRole('button', { name: 'Go on by typing' }).click();
    await state(page, 'Calling');
    await (await join()).setState('listening');
    await state(page, 'Waiting for you');
    expect(await page.getByLabel('Message to the agent').isEnabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Mute' }).isVisible()).toBe(false);
  });

  it('the token is refused', async () => {
    const { page } = await open('/', {}, { apiSecret: 'a-secret-that-is-not-the-one-of-the-server' });
    await start(page);
    await trouble(page).filter({ hasText: 'The LiveKit server refused this call.' }).waitFor();
    await state(page, 'Call ended');
  });

  it('the LiveKit server is not there', async () => {
    const gone = await startHttp({ port: 0, deps: NOBODY, log: createLogger({ level: 'silent' }) });
    await gone.close();
    const url = gone.url.replace('http://localhost', 'ws://127.0.0.1');
    const { page } = await open('/', {}, { url });
    await start(page);
    await trouble(page)
      .filter({ hasText: `can’t be reached at ${url}` })
      .waitFor();
  });

  it('the connection breaks', async () => {
    const other = await startTestServer();
    toClose.push(() => other.stop());
    const { page } = await open('/', {}, other);
    await start(page);
    await state(page, 'Calling');
    process.kill(other.pid, 'SIGKILL');
    await state(page, 'Reconnecting');
    await page.getByRole('button', { name: 'Hang up' }).click();
    await state(page, 'Call ended');
  });

  it('the LiveKit server is shut down', async () => {
    const other = await startTestServer();
    toClose.push(() => other.stop());
    const { page, agent: join } = await open('/', {}, other);
    await start(page);
    await state(page, 'Calling');
    // In the room for certain: before, there is no connection that the server could end.
    const agent = await join();
    await agent.setState('listening');
    await state(page, 'Listening');
    await other.stop();
    await trouble(page).filter({ hasText: 'The LiveKit server was shut down.' }).waitFor();
    await state(page, 'Call ended');
  });

  it('the server of the page is gone', async () => {
    const { page, http } = await open();
    await http.close();
    await start(page);
    await trouble(page).filter({ hasText: 'The server of this page does not answer.' }).waitFor();
  });
});

it('fits a phone of 360 pixels, before and in a call', async () => {
  const { page, agent: join } = await open('/', { viewport: { width: 360, height: 740 } });
  const overflow = () => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  expect(await overflow()).toBe(0);
  await start(page);
  await state(page, 'Calling');
  const agent = await join();
  await agent.setStages(STAGES);
  await agent.hear('averyveryverylongwordwithoutanyspacethatnobodysaysbutsomeonetypesforthesakeofit');
  await line(page, 'averyvery').waitFor();
  expect(await overflow()).toBe(0);
  // The buttons of the call are in sight without scrolling.
  const box = await page.getByRole('button', { name: 'Hang up' }).boundingBox();
  expect((box?.y ?? Number.POSITIVE_INFINITY) + (box?.height ?? 0)).toBeLessThanOrEqual(740);
});

/** A WAV of a voice-like hum: noise suppression takes a steady tone for noise. */
function humming(seconds: number): Uint8Array {
  const rateHz = 48_000;
  const samples = Int16Array.from({ length: rateHz * seconds }, (_, index) => {
    const time = index / rateHz;
    const pitch = 140 + 20 * Math.sin(2 * Math.PI * 0.7 * time);
    const harmonics = [1, 2, 3, 5].reduce((sum, n) => sum + Math.sin(2 * Math.PI * pitch * n * time) / n, 0);
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 2 * time));
    return Math.round(7_000 * harmonics * syllable);
  });
  return writeWav(samples, rateHz);
}
