// A whole conversation with the application as it is shipped: the caller leaves a message, and it is stored as it was said.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, joinAsCaller } from '../../src/livekit/caller.ts';
import { type MainProcess, spawnMain } from '../support/spawn-main.ts';
import { freeTcpPorts, startTestServer, type TestServer } from './support/server.ts';

describe('a conversation that leaves a message', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-message-'));
  let server: TestServer;
  let main: MainProcess;
  let caller: Caller;

  beforeAll(async () => {
    server = await startTestServer();
    const [port] = await freeTcpPorts(1);
    const { url, apiKey, apiSecret } = server;
    main = spawnMain({
      directory,
      args: ['--no-open', '--port', String(port)],
      env: { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret },
    });
    await main.says(/ready: talk at/);
    const response = await fetch(`http://127.0.0.1:${port}/api/calls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ persona: 'support' }),
    });
    const access = (await response.json()) as { url: string; token: string };
    caller = await joinAsCaller(access);
  });
  afterAll(async () => {
    await caller?.leave();
    main?.kill('SIGINT');
    await main?.exited;
    await server?.stop();
    rmSync(directory, { recursive: true });
  });

  const entries = () => {
    const folder = join(directory, '.bulletproof/journal');
    const text = readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; persona: string; data: Record<string, string> });
  };
  /** What the agent said since, from its transcript. */
  const saidSince = (ms: number) => {
    const texts = new Map(
      caller.transcripts
        .filter(({ who, atMs }) => who === 'agent' && atMs >= ms)
        .map(({ segmentId, text }) => [segmentId, text]),
    );
    return [...texts.values()].join(' ').replaceAll(/\s+/g, ' ');
  };
  const type = async (text: string) => {
    const sinceMs = caller.nowMs();
    await caller.sendText(text);
    expect(await caller.waitForAgentToFinish({ sinceMs, quietMs: 700, timeoutMs: 40_000 })).toBe(true);
    return saidSince(sinceMs);
  };

  it('asks one question at a time, repeats what it understood, and stores what was confirmed', async () => {
    expect(await caller.waitForAgent(60_000)).toBe(true);
    expect(await caller.waitForAgentToFinish({ sinceMs: 0, quietMs: 700, timeoutMs: 40_000 })).toBe(true);
    expect(saidSince(0)).toMatch(/this is Sam from Maple Street Furniture/);

    expect(await type('I would like to leave a message')).toMatch(/name/i);
    expect(await type('John Smith')).toMatch(/John Smith.*\?/i);
    expect(await type('yes')).toMatch(/number/i);
    expect(await type('five five five zero one four two')).toMatch(/\?/);
    expect(await type('no')).toMatch(/number|again/i);
    expect(await type('five five five zero one four three')).toMatch(/\?/);
    expect(await type('yes that is right')).toMatch(/about/i);
    expect(await type('my table has a broken leg')).toMatch(/table.*\?/i);
    expect(await type('yes')).toMatch(/stored.*call you back/i);

    const messages = entries().filter(({ type }) => type === 'message');
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({
      persona: 'support',
      data: { name: 'John Smith', number: '5550143', reason: 'my table has a broken leg' },
    });
  });

  it('answers from its facts, and keeps the caller’s words out of the log', async () => {
    expect(await type('when are you open')).toMatch(/nine in the morning to seven/);
    expect(main.output()).not.toMatch(/broken leg|John Smith|5550143/i);
  });
});
