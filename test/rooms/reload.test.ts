// A changed .env reaches calls that begin after the change, also in processes that were loaded before it; a broken one none.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOpenRouter } from '../../fixtures/vendors/openrouter.ts';
import { type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { freeTcpPorts, startTestServer, type TestServer } from './support/server.ts';
import { typedCall } from './support/typed-call.ts';

describe('a key that is changed while the worker runs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-reload-'));
  let server: TestServer;
  let main: MainProcess;
  let openrouter: Awaited<ReturnType<typeof startOpenRouter>>;
  let port: number;
  const write = (...lines: string[]) => writeFileSync(join(directory, '.env'), `${lines.join('\n')}\n`);

  beforeAll(async () => {
    const reply = () => ({ text: ['The ', 'answer ', 'is ', 'yes.'] });
    [server, openrouter] = await Promise.all([startTestServer(), startOpenRouter({ apiKey: 'good-key', reply })]);
    port = (await freeTcpPorts(1))[0] as number;
    write('OPENROUTER_API_KEY=bad-key');
    const { url, apiKey, apiSecret } = server;
    main = spawnMain({
      directory,
      args: ['--no-open', '--port', String(port)],
      env: {
        LIVEKIT_URL: url,
        LIVEKIT_API_KEY: apiKey,
        LIVEKIT_API_SECRET: apiSecret,
        OPENROUTER_BASE_URL: openrouter.url,
      },
    });
    await main.says(/ready: talk at/);
  });
  afterAll(async () => {
    main?.kill('SIGINT');
    await main?.exited;
    await Promise.all([server?.stop(), openrouter?.close()]);
    rmSync(directory, { recursive: true });
  });

  /** One call of one typed turn: what the agent said, and the keys with which replies were asked for. */
  async function call(): Promise<{ said: string; keys: string[] }> {
    const before = openrouter.requests.length;
    const said = await typedCall(port, 'is it ready');
    const asked = openrouter.requests.slice(before).filter(({ path }) => path.endsWith('/chat/completions'));
    const keys = asked.map(({ headers }) => String(headers.authorization).replace('Bearer ', ''));
    return { said, keys: [...new Set(keys)] };
  }

  it('is used by the next call; a broken file changes nothing, and its line is named', async () => {
    // The free model answers where the key is refused, whether a call or a check found that out.
    expect((await call()).said).not.toMatch(/The answer is yes/);

    write('OPENROUTER_API_KEY=good-key');
    await main.says(/the configuration changed/);
    expect(await call()).toEqual({ said: expect.stringMatching(/The answer is yes/), keys: ['good-key'] });

    write('OPENROUTER_API_KEY=worse-key', 'no assignment');
    await main.says(/\.env:2: expected NAME=value/);
    // The process of the second of these calls is loaded while the file is broken.
    for (let calls = 0; calls < 2; calls += 1) {
      expect(await call()).toEqual({ said: expect.stringMatching(/The answer is yes/), keys: ['good-key'] });
    }
    expect(main.output()).not.toMatch(/good-key|bad-key|worse-key/);
  });
});
