// A real Chromium with a fake microphone that plays a file, in a profile of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { findChromium } from './find-chromium.ts';

export interface BrowserOptions {
  /** A WAV that the microphone plays once. */
  readonly microphoneFile?: string;
  /** "deny" refuses the microphone as a visitor would. */
  readonly permission?: 'allow' | 'deny';
  readonly viewport?: { readonly width: number; readonly height: number };
}

export interface TestBrowser {
  readonly page: Page;
  /** Errors of the page's scripts and breaches of its security policy: empty when all is well. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--use-fake-device-for-media-stream',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function openBrowser(options: BrowserOptions = {}): Promise<TestBrowser> {
  const { microphoneFile, permission = 'allow', viewport = { width: 1280, height: 800 } } = options;
  const profile = await mkdtemp(join(tmpdir(), 'bulletproof-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    // The flag above says which headless mode; playwright's own would be the old one.
    headless: false,
    ignoreDefaultArgs: ['--headless'],
    args: [
      ...FLAGS,
      permission === 'allow' ? '--use-fake-ui-for-media-stream' : '--deny-permission-prompts',
      ...(microphoneFile ? [`--use-file-for-fake-audio-capture=${microphoneFile}%noloop`] : []),
    ],
    viewport,
  });
  const complaints: string[] = [];
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Refused to/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  return {
    page,
    complaints,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
