// An outage that one call meets is known to the next call process before it asks; the end of it is noticed for free.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOpenAi } from '../../fixtures/vendors/openai.ts';
import { startOpenRouter } from '../../fixtures/vendors/openrouter.ts';
import { type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { freeTcpPorts, startTestServer, type TestServer } from './support/server.ts';
import { typedCall } from './support/typed-call.ts';

const always = Number.POSITIVE_INFINITY;
const unavailable = { kind: 'status', status: 503 } as const;

describe('10. a provider outage', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-outage-'));
  let server: TestServer;
  let main: MainProcess;
  let openrouter: Awaited<ReturnType<typeof startOpenRouter>>;
  let openai: Awaited<ReturnType<typeof startOpenAi>>;
  let port: number;
  let whenOpenAiIsAsked = () => {};

  beforeAll(async () => {
    const answer = { text: ['The ', 'answer ', 'is ', 'yes.'] };
    [server, openrouter, openai] = await Promise.all([
      startTestServer(),
      startOpenRouter({ reply: () => answer }),
      startOpenAi({
        reply: () => {
          whenOpenAiIsAsked();
          return answer;
        },
      }),
    ]);
    port = (await freeTcpPorts(1))[0] as number;
    const { url, apiKey, apiSecret } = server;
    main = spawnMain({
      directory,
      args: ['--no-open', '--port', String(port)],
      env: {
        LIVEKIT_URL: url,
        LIVEKIT_API_KEY: apiKey,
        LIVEKIT_API_SECRET: apiSecret,
        OPENROUTER_API_KEY: 'or-key-of-a-test',
        OPENROUTER_BASE_URL: openrouter.url,
        OPENAI_API_KEY: 'oa-key-of-a-test',
        OPENAI_BASE_URL: openai.url,
      },
    });
    await main.says(/ready: talk at/);
  });
  afterAll(async () => {
    main?.kill('SIGINT');
    await main?.exited;
    await Promise.all([server?.stop(), openrouter?.close(), openai?.close()]);
    rmSync(directory, { recursive: true });
  });

  const asked = (vendor: typeof openrouter) =>
    vendor.requests.filter(({ path }) => path.endsWith('/chat/completions')).length;

  /** One call of one typed turn; resolves with how often each vendor was asked in it. */
  async function call(): Promise<{ openrouter: number; openai: number }> {
    const before = { openrouter: asked(openrouter), openai: asked(openai) };
    expect(await typedCall(port, 'is it ready')).toMatch(/The answer is yes/);
    return { openrouter: asked(openrouter) - before.openrouter, openai: asked(openai) - before.openai };
  }

  it('is met once; every later call skips it; its end is noticed by a free check and used', async () => {
    // On a busy machine the first token may be late, and another be asked beside: that is no failure.
    expect(await call()).toMatchObject({ openrouter: 1 });

    // A free check meets lasting faults only: this one is first met by the call, whatever the hour of the check.
    openrouter.faults.fail(unavailable, 1_000);
    whenOpenAiIsAsked = () => {
      openrouter.faults.mend();
      openrouter.faults.fail(unavailable, always);
    };
    // The second chance that the table gives to a server's error, and the next provider beside it.
    expect(await call()).toEqual({ openrouter: 2, openai: 1 });
    expect(await call()).toEqual({ openrouter: 0, openai: 1 });

    openrouter.faults.mend();
    await main.says(/llm\/openrouter.*answers again/, 90_000);
    // The service and its key are checked apart: the second may need a moment more.
    let recovered = 0;
    for (let calls = 0; calls < 4 && recovered === 0; calls += 1) recovered = (await call()).openrouter;
    expect(recovered).toBe(1);
    expect(main.output()).toContain('provider_switch');
    expect(main.output()).not.toMatch(/key-of-a-test/);
  });
});
