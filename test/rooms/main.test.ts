// The application as a person starts it: what it says, what it serves, and that nothing of it is left.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { descendantsOf, isRunning } from '../support/process-tree.ts';
import { type MainOptions, type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { freeTcpPorts, repositoryRoot, startTestServer, type TestServer } from './support/server.ts';

describe('pnpm dev:bulletproof', () => {
  let server: TestServer;
  let access: Record<string, string>;
  let port: number;
  const started: MainProcess[] = [];
  const directories: string[] = [];

  beforeAll(async () => {
    server = await startTestServer();
    access = { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: server.apiKey, LIVEKIT_API_SECRET: server.apiSecret };
    [port] = (await freeTcpPorts(1)) as [number];
  });
  afterEach(async () => {
    for (const main of started.splice(0)) {
      main.kill('SIGKILL');
      await main.exited;
    }
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
  });
  afterAll(() => server.stop());

  const start = (options: MainOptions = {}) => {
    const main = spawnMain({ ...options, args: ['--no-open', '--port', String(port), ...(options.args ?? [])] });
    started.push(main);
    return main;
  };
  const emptyDirectory = () => {
    const directory = mkdtempSync(join(tmpdir(), 'bulletproof-main-'));
    directories.push(directory);
    return directory;
  };
  const failing = async (options: MainOptions) => {
    const main = start(options);
    const { code } = await main.exited;
    return { code, error: main.errors().trimEnd() };
  };

  it('tells its options', async () => {
    const main = start({ args: ['--help'] });
    expect((await main.exited).code).toBe(0);
    expect(main.output()).toMatch(/--persona.*\n.*--port.*\n.*--demo.*\n.*--no-open/);
  });

  it('shows the chains, serves the page and the health routes, and leaves nothing at Ctrl-C', async () => {
    const main = start({ env: access });
    await main.says(/ready: talk at/);
    expect(main.output()).toMatch(/Speech recognition.*free-stt \(active\)/);
    expect(main.output()).toMatch(
      /Language model.*local \(left out: LOCAL_LLM_BASE_URL not set\).*free-llm \(active\)/,
    );
    expect(main.output()).toMatch(/Voice.*free-tts \(active\)/);

    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${url}/`)).text()).toMatch(/<html lang="en"/);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const { personas } = (await (await fetch(`${url}/api/personas`)).json()) as {
      personas: { id: string; isDefault: boolean }[];
    };
    expect(personas.map(({ id, isDefault }) => [id, isDefault])).toEqual([
      ['sales', true],
      ['support', false],
    ]);

    const children = descendantsOf(main.pid);
    expect(children.length).toBeGreaterThan(0);
    main.kill('SIGINT');
    expect((await main.exited).code).toBe(130);
    expect(children.filter(isRunning)).toEqual([]);
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
    expect(main.output()).not.toContain(server.apiSecret);
  });

  it.each([0, 200, 600, 1_200, 2_500])(
    'leaves nothing when it is interrupted %i ms after the start',
    async (afterMs) => {
      const main = start({ env: access });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const children = descendantsOf(main.pid);
      main.kill('SIGINT');
      await main.exited;
      expect(children.filter(isRunning)).toEqual([]);
    },
  );

  it('ends at once when it is told to stop before it serves', async () => {
    const main = start({ env: access });
    await main.says(/Voice/);
    const children = descendantsOf(main.pid);
    main.kill('SIGTERM');
    expect((await main.exited).code).toBe(143);
    expect(children.filter(isRunning)).toEqual([]);
  });

  it('starts a LiveKit server of its own, and ends it', async () => {
    const directory = emptyDirectory();
    const [signalPort, tcpPort] = await freeTcpPorts(2);
    cpSync(join(repositoryRoot, 'tools/livekit-server'), join(directory, 'tools/livekit-server'), { recursive: true });
    writeFileSync(
      join(directory, 'livekit.yaml'),
      `port: ${signalPort}\nbind_addresses: ["127.0.0.1"]\nrtc: { tcp_port: ${tcpPort}, udp_port: ${(tcpPort as number) + 1}, node_ip: 127.0.0.1, enable_loopback_candidate: true }\nkeys: { own: a-secret-of-more-than-thirty-two-characters }\n`,
    );
    const main = start({ directory });
    await main.says(/ready: talk at/);
    const children = descendantsOf(main.pid);
    expect((await fetch(`http://127.0.0.1:${signalPort}`)).status).toBe(200);
    main.kill('SIGINT');
    await main.exited;
    expect(children.filter(isRunning)).toEqual([]);
    await expect(fetch(`http://127.0.0.1:${signalPort}`)).rejects.toThrow();
  });

  it('starts as plain JavaScript after a build', async () => {
    execFileSync(process.execPath, [join(repositoryRoot, 'tools/build.ts')], {
      cwd: repositoryRoot,
      env: { ...process.env, PATH: `${join(repositoryRoot, 'node_modules/.bin')}:${process.env.PATH}` },
    });
    const directory = emptyDirectory();
    const main = start({ directory, env: access, program: 'dist/src/main.js' });
    await main.says(/ready: talk at/);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toMatch(/<html lang="en"/);
    main.kill('SIGTERM');
    expect((await main.exited).code).toBe(0);
  });

  describe('bad input is one line with the way out, a code, and nothing left running', () => {
    const cases: [string, () => MainOptions, RegExp][] = [
      ['an unknown option', () => ({ args: ['--prot'] }), /--prot.* → see pnpm dev:bulletproof --help/],
      [
        'a persona that is none',
        () => ({ args: ['--persona', 'pirate'], env: access }),
        /"pirate" is none of: sales, support → /,
      ],
      [
        'a wrong LIVEKIT_URL',
        () => ({ env: { ...access, LIVEKIT_URL: 'ws://127.0.0.1:9' } }),
        /ws:\/\/127\.0\.0\.1:9 cannot be reached.* → /,
      ],
      [
        'a LIVEKIT_URL that is none',
        () => ({ env: { ...access, LIVEKIT_URL: 'localhost' } }),
        /LIVEKIT_URL must begin with.* → /,
      ],
      ['a wrong secret', () => ({ env: { ...access, LIVEKIT_API_SECRET: 'x'.repeat(40) } }), /refuses the keys.* → /],
      [
        'a missing secret',
        () => ({ env: { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: 'k' } }),
        /LIVEKIT_API_SECRET is not → /,
      ],
      [
        'a broken .env',
        () => {
          const directory = emptyDirectory();
          writeFileSync(join(directory, '.env'), 'LIVEKIT_URL=ws://x\nno assignment\n');
          return { directory };
        },
        /\.env:2: expected NAME=value → /,
      ],
    ];
    it.each(cases)('%s', async (_, options, message) => {
      const { code, error } = await failing(options());
      expect(error).toMatch(message);
      expect(error).not.toContain('\n');
      expect(code).toBe(1);
    });

    it('a port in use, with who holds it', async () => {
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
      const { code, error } = await failing({ env: access });
      await new Promise((resolve) => holder.close(resolve));
      expect(error).toMatch(new RegExp(`port ${port} is in use by .*process ${process.pid}.* → .*--port`));
      expect(code).toBe(1);
    });
  });
});
