// `pnpm doctor`: its rows for what is right and for what is broken, on a machine that a test made.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Row, runChecks } from '../../src/cli/doctor/check.ts';
import { diagnose } from '../../src/cli/doctor/diagnose.ts';
import { nodeRow, speechModelsRow } from '../../src/cli/doctor/ground-checks.ts';
import type { CheckedProvider } from '../../src/cli/doctor/provider-checks.ts';
import { formatTable } from '../../src/cli/doctor/table.ts';
import { agentsDirectory } from '../../src/config/paths.ts';
import { UserError } from '../../src/config/user-error.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import { makeWorkspace, PINNED, stubServer, type Workspace } from '../livekit/support/workspace.ts';
import { freeTcpPorts } from '../rooms/support/server.ts';

const KEY = 'sk-this-is-a-secret';
const { signal } = new AbortController();
let workspace: Workspace;
let blocker: Server | undefined;

beforeEach(async () => {
  workspace = await makeWorkspace();
});

afterEach(async () => {
  await new Promise((resolve) => (blocker ? blocker.close(resolve) : resolve(undefined)));
  blocker = undefined;
  await workspace.remove();
});

function provider(id: string, env: CheckedProvider['env'], check?: () => Promise<void>): CheckedProvider {
  return {
    stage: 'llm',
    id,
    title: id,
    env,
    traits: { languages: 'any' },
    create: () => ({ close: async () => undefined, ...(check && { check }) }),
  };
}

async function rowsOf(options: Partial<Parameters<typeof diagnose>[0]> = {}): Promise<readonly Row[]> {
  const [httpPort] = await freeTcpPorts(1);
  return diagnose({
    root: workspace.root,
    agents: agentsDirectory,
    httpPort: httpPort as number,
    signal,
    processEnv: { PATH: workspace.binDirectory, HOME: workspace.root },
    releaseBaseUrl: 'http://127.0.0.1:9',
    ...options,
  });
}

function named(rows: readonly Row[], name: string): Row | undefined {
  return rows.find((row) => row.name === name);
}

test('finds nothing broken where nothing is, and the free engines hear each other', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const rows = await rowsOf();
  expect(rows.filter(({ state }) => state === 'broken')).toEqual([]);
  expect(named(rows, 'LiveKit server')?.found).toBe(`livekit-server ${PINNED} on PATH`);
  expect(named(rows, 'Loopback')?.found).toMatch(/free-stt heard ".*(call|tomorrow|morning)/);
  expect(named(rows, 'stt free-stt')?.state).toBe('good');
  expect(named(rows, 'llm local')).toMatchObject({ state: 'unused', found: 'LOCAL_LLM_BASE_URL not set' });
});

test('says all that was tried when no LiveKit server can be had', async () => {
  expect(named(await rowsOf({ providers: [] }), 'LiveKit server')).toMatchObject({
    state: 'broken',
    found: expect.stringMatching(
      /livekit-server is not on PATH; none was built.*Go is not on PATH.*Docker is not on PATH$/,
    ),
    fix: 'install Go 1.25 or newer, or put livekit-server on PATH, or set LIVEKIT_URL',
  });
});

test('foresees a build and builds nothing', async () => {
  await workspace.program('go', '[ "$1" = env ] && printf "go1.26.1\\nauto\\n" || exit 1');
  const row = named(await rowsOf({ providers: [] }), 'LiveKit server');
  expect(row).toMatchObject({ state: 'good', found: 'Go 1.26.1 builds it at the first start, in 2 to 5 minutes' });
});

test('checks the server that LIVEKIT_URL names, and needs no port for another', async () => {
  const processEnv = {
    PATH: workspace.binDirectory,
    LIVEKIT_URL: 'ws://127.0.0.1:9',
    LIVEKIT_API_KEY: 'k',
    LIVEKIT_API_SECRET: KEY,
  };
  const rows = await rowsOf({ processEnv, providers: [] });
  expect(named(rows, 'LiveKit server')).toMatchObject({
    state: 'broken',
    found: expect.stringContaining('cannot be reached'),
  });
  expect(rows.filter(({ name }) => name.startsWith('Port '))).toHaveLength(1);
});

test('names who holds a port, and knows the server of the Bulletproof that runs', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const server = await workspace.start();
  const [httpPort] = await freeTcpPorts(1);
  blocker = createServer().listen(httpPort, '127.0.0.1');
  await new Promise((resolve) => blocker?.once('listening', resolve));
  const rows = await rowsOf({ httpPort: httpPort as number, providers: [] });
  // The stub's ports belong to a process of ours, and so does the one for the page.
  expect(named(rows, 'LiveKit server')?.found).toMatch(new RegExp(`process ${server.pid}$`));
  expect(named(rows, `Port ${new URL(server.url).port}`)).toMatchObject({ state: 'good' });
  await server.stop();
  expect(named(await rowsOf({ httpPort: httpPort as number, providers: [] }), `Port ${httpPort}`)).toMatchObject({
    state: 'broken',
    found: expect.stringContaining(`process ${process.pid}`),
    fix: expect.stringContaining('--port'),
  });
});

test('tells providers that answer, that are not set up, and that refuse; no key is shown', async () => {
  const refuse = async () => {
    throw new ProviderError({ kind: 'auth', provider: 'b', message: `the key ${KEY} is not known` });
  };
  const providers = [
    provider('a', { A_API_KEY: 'required' }, async () => undefined),
    provider('b', { B_API_KEY: 'required' }, refuse),
    provider('c', { C_API_KEY: 'required' }),
    provider('d', {}),
  ];
  const processEnv = { PATH: workspace.binDirectory, A_API_KEY: KEY, B_API_KEY: KEY };
  const rows = await rowsOf({ processEnv, providers });
  expect(rows.filter(({ name }) => name.startsWith('llm '))).toEqual([
    { name: 'llm a', state: 'good', found: 'answers, A_API_KEY set' },
    {
      name: 'llm b',
      state: 'broken',
      found: 'the key (B_API_KEY) is not known',
      fix: 'correct B_API_KEY in .env, or remove it',
    },
    { name: 'llm c', state: 'unused', found: 'C_API_KEY not set', fix: 'to use it, set C_API_KEY in .env' },
    { name: 'llm d', state: 'good', found: 'runs on this machine, needs no key' },
  ]);
  expect(formatTable(rows, { width: 200, colour: false })).not.toContain(KEY);
});

test("loads a model of the user's own", async () => {
  const processEnv = { PATH: workspace.binDirectory, FREE_TTS_MODEL_DIR: join(workspace.root, 'no-model') };
  expect(named(await rowsOf({ processEnv }), 'tts free-tts')).toMatchObject({
    state: 'broken',
    fix: 'correct FREE_TTS_MODEL_DIR in .env, or remove it',
  });
});

test('a broken .env hides nothing else', async () => {
  await writeFile(join(workspace.root, '.env'), `A=1\n${KEY}\n`);
  const rows = await rowsOf({ providers: [] });
  expect(rows.filter(({ name }) => name === 'Environment')).toMatchObject([
    { state: 'broken', found: expect.stringMatching(/\.env:2: expected NAME=value$/) },
  ]);
  expect(named(rows, 'Configuration')?.state).toBe('good');
});

test('a check without an end is a row, and so is one that throws', async () => {
  const checks = [
    { name: 'stuck', run: () => new Promise<never>(() => undefined) },
    { name: 'mendable', run: () => Promise.reject(new UserError('it is cold', 'warm it')) },
    { name: 'defect', run: () => Promise.reject(new TypeError('x is undefined\nat …')) },
  ];
  expect(await runChecks(checks, 50, signal)).toMatchObject([
    { name: 'stuck', state: 'broken', found: 'no result within 0.05 s' },
    { name: 'mendable', state: 'broken', found: 'it is cold', fix: 'warm it' },
    { name: 'defect', state: 'broken', found: 'x is undefined' },
  ]);
});

test('names an old Node and a missing model', async () => {
  expect(nodeRow('v20.20.2')).toMatchObject({ state: 'broken', found: expect.stringContaining('24 or newer') });
  const missing = new URL('./no-such-model', import.meta.url);
  await expect(speechModelsRow([missing])).rejects.toMatchObject({ message: expect.stringContaining('no-such-model') });
});

test('aligns the table and puts the fix beneath', () => {
  const rows: Row[] = [
    { name: 'Node', state: 'good', found: 'v24.0.0' },
    { name: 'Port 3000', state: 'broken', found: 'in use by a program with a rather long name', fix: 'end it' },
    { name: 'llm local', state: 'unused', found: 'not set' },
  ];
  expect(formatTable(rows, { width: 43, colour: false })).toBe(
    [
      '✔ Node       v24.0.0',
      '✖ Port 3000  in use by a program with a',
      '             rather long name',
      '             → end it',
      '– llm local  not set',
      '',
    ].join('\n'),
  );
});

test.each([
  [['--help'], 0, /Usage: pnpm run doctor/],
  [['--nonsense'], 1, /^✖ Unknown option '--nonsense' → see pnpm run doctor --help\n$/],
])('the command with %j ends with %i', async (args, code, output) => {
  const file = fileURLToPath(new URL('../../src/cli/doctor.ts', import.meta.url));
  const result = await promisify(execFile)(process.execPath, [file, ...args], { cwd: workspace.root }).catch(
    (error) => error,
  );
  expect(result.code ?? 0).toBe(code);
  expect(`${result.stdout}${result.stderr}`).toMatch(output);
});
