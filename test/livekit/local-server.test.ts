// A local server from PATH: start, end, log, leftovers, and the errors of livekit.yaml.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLocalServer } from '../../src/livekit/local-server.ts';
import { awaitEnd, isRunning, makeWorkspace, PINNED, stubServer, type Workspace } from './support/workspace.ts';

let workspace: Workspace;
const owners: ChildProcess[] = [];

beforeEach(async () => {
  workspace = await makeWorkspace();
});

afterEach(async () => {
  for (const owner of owners.splice(0)) owner.kill('SIGKILL');
  await workspace.remove();
});

test('starts the server on PATH and ends it though it waits at the first SIGTERM', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const server = await workspace.start();
  expect(server).toMatchObject({ origin: 'path', version: PINNED, apiKey: 'testkey' });
  expect((await fetch(server.url.replace('ws:', 'http:'))).status).toBe(200);

  await server.stop();

  expect(await isRunning(server.pid)).toBe(false);
  expect(await server.ended).toBe('code 0');
  expect(existsSync(join(workspace.stateDirectory, 'livekit-server.pid'))).toBe(false);
});

test('kills a server that ignores SIGTERM', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  await appendFile(workspace.configFile, '# ignore_signals\n');
  const server = await workspace.start();
  await server.stop();
  expect(await server.ended).toBe('signal SIGKILL');
  expect(await isRunning(server.pid)).toBe(false);
});

test('hands the server no key and none of the variables that overrule its configuration', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const env = {
    PATH: workspace.binDirectory,
    HOME: workspace.root,
    LIVEKIT_KEYS: 'a: b',
    UDP_PORT: '1',
    GHL_API_KEY: 'x',
  };
  const server = await workspace.start({ env });
  const line = (await readFile(server.logFile, 'utf8')).split('\n').find((text) => text.startsWith('environment '));
  const seen = Object.keys(JSON.parse((line as string).slice('environment '.length)));
  expect(seen).toEqual(expect.arrayContaining(['PATH', 'HOME']));
  expect(seen.filter((name) => /LIVEKIT|UDP|KEY/.test(name))).toEqual([]);
});

test('keeps the log of the run before', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const first = await workspace.start();
  await first.stop();
  const second = await workspace.start();
  expect(existsSync(second.logFile)).toBe(true);
  expect(existsSync(join(workspace.stateDirectory, 'livekit-server.previous.log'))).toBe(true);
});

test('says in the words of the server why it ended at its start', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  await appendFile(workspace.configFile, 'fail_at_start: true\n');
  await expect(workspace.start()).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining('field fail_at_start not found'),
    fix: expect.stringContaining('livekit-server.log'),
  });
  expect(existsSync(join(workspace.stateDirectory, 'livekit-server.pid'))).toBe(false);
});

test('leaves an old server on PATH alone', async () => {
  await workspace.program('livekit-server', stubServer('1.5.2'));
  await expect(workspace.start()).rejects.toThrow('livekit-server on PATH is 1.5.2, older than 1.9.0');
});

test('ends nothing and starts nothing when it is aborted before', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  await expect(workspace.start({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  expect(existsSync(join(workspace.stateDirectory, 'livekit-server.log'))).toBe(false);
});

test('stops the server of an owner that was killed, and leaves a live owner its own', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const owner = startOwner(workspace.binDirectory);
  const leftover = await pidFrom(owner);

  await expect(startLocalServer(workspace.options())).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining(`process ${owner.pid}`),
  });
  expect(await isRunning(leftover)).toBe(true);

  owner.kill('SIGKILL');
  await awaitEnd(owner.pid as number);
  expect(await isRunning(leftover)).toBe(true);
  const server = await workspace.start();
  expect(await isRunning(leftover)).toBe(false);
  expect(server.pid).not.toBe(leftover);
});

test('binds the server to our life where the system has setpriv', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const owner = startOwner(`${workspace.binDirectory}:/usr/bin`);
  const leftover = await pidFrom(owner);
  owner.kill('SIGKILL');
  if (existsSync('/usr/bin/setpriv')) await awaitEnd(leftover);
  await workspace.start();
  expect(await isRunning(leftover)).toBe(false);
});

test('does not end a stranger that was given the pid of a server', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'livekit-server'], {
    stdio: 'ignore',
  });
  owners.push(stranger);
  const gone = { pid: 1, startedAt: 'in another life' };
  const record = { server: { pid: stranger.pid, startedAt: 'in another life' }, owner: gone };
  await workspace.start().then((server) => server.stop());
  await writeFile(join(workspace.stateDirectory, 'livekit-server.pid'), JSON.stringify(record));
  await workspace.start();
  expect(await isRunning(stranger.pid as number)).toBe(true);
});

test('survives a pid file that was cut off', async () => {
  await workspace.program('livekit-server', stubServer(PINNED));
  await workspace.start().then((server) => server.stop());
  await writeFile(join(workspace.stateDirectory, 'livekit-server.pid'), '{"server":{"pid"');
  expect((await workspace.start()).origin).toBe('path');
});

test.each([
  ['port: 7880\nkeys: {}\n', /keys: expected an API key/],
  ['port: 7880\nkeys: { a: short }\n', /at least 32 characters/],
  ['port: seven\n', /livekit\.yaml: port: .*number/],
  ['port: 7880\nrtc: [1, 2\nkeys: {}', /livekit\.yaml:[23]: /],
])('names what is wrong in livekit.yaml: %j', async (text, message) => {
  await writeFile(workspace.configFile, text);
  await expect(workspace.start()).rejects.toMatchObject({ name: 'UserError', message: expect.stringMatching(message) });
});

function startOwner(path: string): ChildProcess {
  const file = fileURLToPath(new URL('./support/owner.ts', import.meta.url));
  const owner = spawn(process.execPath, [file, workspace.root, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  owners.push(owner);
  return owner;
}

function pidFrom(owner: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    owner.stdout?.once('data', (text: Buffer) => resolve(Number(text)));
    owner.once('exit', () => reject(new Error('the owner ended')));
  });
}
