// The stand-ins of `--demo` as the parent process has them: where they don't start, and that they obey and end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startDemo } from '../src/demo.ts';

const repository = fileURLToPath(new URL('../', import.meta.url));

describe('startDemo', () => {
  it('refuses a page that others reach', async () => {
    await expect(startDemo(repository, '0.0.0.0')).rejects.toThrow(/HTTP_HOST is 0\.0\.0\.0/);
  });

  it('says where its program is missing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bulletproof-demo-'));
    await expect(startDemo(directory)).rejects.toThrow(/fixtures\/demo\.ts, which is not there/);
    rmSync(directory, { recursive: true });
  });

  it('breaks a vendor, mends it, and ends it with the others', async () => {
    const demo = await startDemo(repository);
    try {
      const url = `${demo.env.OPENROUTER_BASE_URL}/key`;
      const status = async () =>
        (await fetch(url, { headers: { authorization: `Bearer ${demo.env.OPENROUTER_API_KEY}` } })).status;
      expect(await status()).toBe(200);
      await demo.fail('openrouter', 'quota');
      expect([demo.faultOf('openrouter'), await status()]).toEqual(['quota', 402]);
      expect(demo.vendors).toEqual(expect.arrayContaining(['gemini-live', 'openai-realtime']));
      const models = () => fetch(`${demo.env.OPENAI_REALTIME_BASE_URL}/models`);
      expect((await models()).status).toBe(200);
      await demo.fail('openai-realtime', 'quota');
      expect((await models()).status).toBe(429);
      await demo.fail('openrouter', 'mend');
      expect([demo.faultOf('openrouter'), await status()]).toEqual([undefined, 200]);
    } finally {
      await demo.close();
    }
    await expect(fetch(demo.env.OPENROUTER_BASE_URL as string)).rejects.toThrow();
    // To vendors that are gone nothing is done, and nobody waits for it.
    await demo.fail('openrouter', 'quota');
  });
});
