// The demonstration as it is shipped: stand-ins for all vendors, one of which is broken in a call, and nothing is left after.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { descendantsOf, isRunning } from '../support/process-tree.ts';
import { type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { freeTcpPorts, startTestServer, type TestServer } from './support/server.ts';

interface Chain {
  readonly stage: string;
  readonly providers: readonly { readonly id: string; readonly state: string; readonly cause?: object }[];
}

describe('pnpm dev:bulletproof --demo', () => {
  let server: TestServer;
  let main: MainProcess;
  let caller: Caller;
  let url: string;

  beforeAll(async () => {
    server = await startTestServer();
    const [port] = await freeTcpPorts(1);
    url = `http://127.0.0.1:${port}`;
    main = spawnMain({
      args: ['--demo', '--no-open', '--port', String(port), '--persona', 'support'],
      env: {
        LIVEKIT_URL: server.url,
        LIVEKIT_API_KEY: server.apiKey,
        LIVEKIT_API_SECRET: server.apiSecret,
        LOG_FORMAT: 'json',
      },
    });
    await main.says(/ready: talk at/);
  });
  afterAll(async () => {
    await caller?.leave();
    main?.kill('SIGINT');
    await main?.exited;
    await server?.stop();
  });

  const post = (path: string, body: unknown) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const chainOf = async (stage: string) => {
    const { stages } = (await (await fetch(`${url}/api/providers`)).json()) as { stages: Chain[] };
    return stages.find((chain) => chain.stage === stage)?.providers ?? [];
  };
  const said = (sinceMs: number) =>
    caller.transcripts
      .filter(({ who, atMs }) => who === 'agent' && atMs >= sinceMs)
      .map(({ text }) => text)
      .join(' ');
  const ask = async (text: string) => {
    const sinceMs = caller.nowMs();
    await caller.sendText(text);
    expect(await caller.waitForAgentToFinish({ sinceMs, quietMs: 700, timeoutMs: 40_000 })).toBe(true);
    return said(sinceMs);
  };
  const switches = () =>
    main
      .output()
      .split('\n')
      .flatMap((line) => (line.includes('"provider_switch"') ? [JSON.parse(line.slice(line.indexOf('{')))] : []))
      .map(({ stage, from, to, kind }) => `${stage} ${from} → ${to} ${kind}`);

  it('has a stand-in for every vendor of the chains', async () => {
    expect((await chainOf('llm')).map(({ id, state }) => `${id} ${state}`)).toEqual([
      'openrouter active',
      'openai well',
      'gemini well',
      'local left-out',
      'free-llm well',
    ]);
    const { stages } = (await (await fetch(`${url}/api/demo`)).json()) as {
      stages: { stage: string; vendors: { id: string; fault: string | null }[] }[];
    };
    expect(stages.map(({ vendors }) => vendors.map(({ id }) => id))).toEqual([
      ['deepgram', 'google', 'whisper'],
      ['openrouter', 'openai', 'gemini'],
      ['cartesia', 'silero', 'elevenlabs', 'deepgram'],
      ['gemini-live', 'openai-realtime'],
    ]);
  });

  it('breaks a vendor in a call, which goes on with the next one', async () => {
    const response = await post('/api/calls', { persona: 'support' });
    caller = await joinAsCaller((await response.json()) as { url: string; token: string });
    const wait = { agent: await caller.waitForAgent(60_000), gone: caller.gone };
    expect(wait, main.output()).toEqual({ agent: true, gone: undefined });
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, quietMs: 700, timeoutMs: 40_000 })).toBe(true);
    expect(await ask('when are you open')).toMatch(/nine in the morning to seven/);
    expect(switches().filter((line) => line.startsWith('llm'))).toEqual([]);

    expect((await post('/api/demo/faults', { vendor: 'openrouter', fault: 'quota' })).status).toBe(200);
    expect(await ask('when are you open')).toMatch(/nine in the morning to seven/);
    // A busy machine pauses in the middle of a reply, which then looks finished: what follows is awaited.
    const llmSwitches = () => switches().filter((line) => line.startsWith('llm'));
    await expect.poll(llmSwitches, { timeout: 20_000 }).toEqual(['llm openrouter → openai quota']);
    await expect
      .poll(async () => (await chainOf('llm')).slice(0, 2))
      .toMatchObject([
        { id: 'openrouter', state: 'left-alone', cause: { kind: 'quota', status: 402 } },
        { id: 'openai', state: 'active' },
      ]);
  });

  it('leaves no process at its end', async () => {
    const children = descendantsOf(main.pid);
    expect(children.length).toBeGreaterThan(1);
    main.kill('SIGINT');
    await main.exited;
    expect(children.filter(isRunning)).toEqual([]);
  });
});
