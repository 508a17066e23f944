// Where a local server comes from when none is on PATH: the cache, Go, the release archive, Docker.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLocalServer } from '../../src/livekit/local-server.ts';
import {
  awaitEnd,
  awaitText,
  IMAGE_DIGEST,
  isRunning,
  makeWorkspace,
  PINNED,
  stubServer,
  type Workspace,
} from './support/workspace.ts';

let workspace: Workspace;
let releases: Server | undefined;

beforeEach(async () => {
  workspace = await makeWorkspace();
});

afterEach(async () => {
  releases?.closeAllConnections();
  await new Promise((resolve) => (releases ? releases.close(resolve) : resolve(undefined)));
  releases = undefined;
  await workspace.remove();
});

const cacheKey = `${PINNED}-${process.platform}-${process.arch}`;

/** What is in the cache: nothing but a finished binary may ever be. */
async function cached(): Promise<string[]> {
  const directory = join(workspace.cacheDirectory, 'livekit-server');
  return (await readdir(directory, { recursive: true }).catch(() => [])).sort();
}

/** A `go` that says this version, and builds by the given lines; `$output` is where the binary belongs. */
async function stubGo({ version = 'go1.26.0', toolchain = 'local', build = '' }): Promise<void> {
  await writeFile(join(workspace.root, 'server.sh'), `#!/bin/sh\n${stubServer(PINNED)}\n`, { mode: 0o755 });
  await workspace.program(
    'go',
    [
      `if [ "$1" = env ]; then echo ${version}; echo ${toolchain}; exit 0; fi`,
      'while [ "$1" != -o ]; do shift; done',
      `output="$2"; workspace="${workspace.root}"`,
      build,
    ].join('\n'),
  );
}

const BUILD = `echo "go: downloading github.com/a v1" >&2; echo github.com/a/b >&2; echo built >> "$workspace/builds"
cp "$workspace/server.sh" "$output"`;

test('builds with Go once, and takes the cached build from then on', async () => {
  await stubGo({ build: BUILD });
  const first = await workspace.start();
  expect(first).toMatchObject({ origin: 'build', version: PINNED });
  expect(workspace.progress[0]).toMatch(/^building the LiveKit server with Go.* 0 packages compiled, 0 s$/);
  expect(await cached()).toEqual([cacheKey, join(cacheKey, 'livekit-server')]);
  await first.stop();

  await rm(join(workspace.binDirectory, 'go'));
  expect((await workspace.start()).origin).toBe('cache');
});

test('two starts at once build once', async () => {
  await stubGo({ build: `sleep 1; ${BUILD}` });
  const other = await makeWorkspace();
  try {
    const env = { PATH: workspace.binDirectory, HOME: workspace.root };
    const [first, second] = await Promise.all([
      workspace.start(),
      other.start({ env, cacheDir: workspace.cacheDirectory, root: other.root }),
    ]);
    expect([first.origin, second.origin]).toEqual(['build', 'build']);
    expect(await readFile(join(workspace.root, 'builds'), 'utf8')).toBe('built\n');
    expect([...workspace.progress, ...other.progress].join()).toContain('waiting for another start');
  } finally {
    await other.remove();
  }
});

test('takes over from a start that was killed in its build', async () => {
  await stubGo({ build: BUILD });
  const directory = join(workspace.cacheDirectory, 'livekit-server');
  await mkdir(join(directory, cacheKey, 'work-1'), { recursive: true });
  await writeFile(join(directory, cacheKey, 'work-1', 'livekit-server'), 'half');
  await writeFile(join(directory, `${cacheKey}.lock`), '1 in another life');
  expect((await workspace.start()).origin).toBe('build');
  expect(await cached()).toEqual([cacheKey, join(cacheKey, 'livekit-server')]);
});

test('an abort in the build leaves no process and no file', async () => {
  await stubGo({
    build: 'echo half > "$output"; sleep 300 & echo "$$ $!" > "$workspace/pids"; trap "" INT; wait',
  });
  const abort = new AbortController();
  const start = startLocalServer(workspace.options({ signal: abort.signal }));
  const pids = (await awaitText(join(workspace.root, 'pids'))).split(' ').map(Number);
  abort.abort();
  await expect(start).rejects.toMatchObject({ name: 'AbortError' });
  for (const pid of pids) await awaitEnd(pid);
  expect(await cached()).toEqual([cacheKey]);
});

test.each([
  [{ version: 'go1.20.4' }, 'Go is 1.20.4, and 1.25.0 or newer is needed'],
  [{ version: 'go1.24.1', toolchain: 'local' }, 'Go is 1.24.1, and 1.25.0 or newer is needed'],
  [
    { build: 'echo "go: example.com/a: dial tcp: lookup failed" >&2; exit 1' },
    'go build failed: go: example.com/a: dial',
  ],
  [{ build: 'printf "#!/bin/sh\\necho version 1.2.3\\n" > "$output"; chmod +x "$output"' }, 'build gave version 1.2.3'],
])('says why Go did not do: %o', async (go, message) => {
  await stubGo(go);
  await expect(workspace.start()).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining(message),
  });
  expect(await cached()).toEqual([cacheKey]);
});

test('trusts an older Go that fetches the newer one itself', async () => {
  await stubGo({ version: 'go1.22.3', toolchain: 'auto', build: BUILD });
  expect((await workspace.start()).origin).toBe('build');
});

test('the error names all that was tried, and the ways out', async () => {
  await expect(workspace.start()).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringMatching(
      /^no LiveKit server could be had: livekit-server is not on PATH; none was built here before; Go is not on PATH; .*; Docker is not on PATH$/,
    ),
    fix: 'install Go 1.25 or newer, or put livekit-server on PATH, or set LIVEKIT_URL',
  });
});

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'armv7' };
const archiveName = `livekit_${PINNED}_linux_${ARCHITECTURES[process.arch]}.tar.gz`;

/** An archive as the release has it, with a server that works. */
async function makeArchive(): Promise<Buffer> {
  const directory = join(workspace.root, 'release');
  await mkdir(directory);
  await writeFile(join(directory, 'livekit-server'), `#!/bin/sh\n${stubServer(PINNED)}\n`, { mode: 0o755 });
  await writeFile(join(directory, 'LICENSE'), 'Apache');
  const file = join(directory, 'archive.tar.gz');
  await create({ gzip: true, file, cwd: directory }, ['LICENSE', 'livekit-server']);
  return readFile(file);
}

async function serveReleases(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  releases = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/download`;
}

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

test('downloads the release archive and checks it against the checksums of the release', async () => {
  const archive = await makeArchive();
  const asked: string[] = [];
  const releaseBaseUrl = await serveReleases((request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.endsWith('/checksums.txt')) {
      response.end(`${sha256('other')}  livekit_${PINNED}_windows_amd64.zip\n${sha256(archive)}  ${archiveName}\n`);
    } else response.end(archive);
  });
  expect((await workspace.start({ releaseBaseUrl })).origin).toBe('release');
  expect(asked).toEqual([`/download/v${PINNED}/checksums.txt`, `/download/v${PINNED}/${archiveName}`]);
  expect(workspace.progress.at(-1)).toMatch(/^downloading the LiveKit server: [\d.]+ MB of [\d.]+ MB$/);
  expect(await cached()).toEqual([cacheKey, join(cacheKey, 'livekit-server')]);
});

test('takes only the archive that the repository names, whatever the release says of it', async () => {
  const archive = await makeArchive();
  const digests = join(workspace.root, 'tools', 'livekit-server', 'digests.json');
  const name = async (sha: string) =>
    writeFile(digests, JSON.stringify({ image: IMAGE_DIGEST, archives: { [archiveName]: sha } }));
  const releaseBaseUrl = await serveReleases((request, response) => {
    response.end(request.url?.endsWith('/checksums.txt') ? `${sha256(archive)}  ${archiveName}\n` : archive);
  });
  await name(sha256('the real one'));
  await expect(workspace.start({ releaseBaseUrl })).rejects.toThrow('the checksum of');
  await name(sha256(archive));
  expect((await workspace.start({ releaseBaseUrl })).origin).toBe('release');
});

test.each([
  ['a wrong checksum', `${sha256('other')}  ${archiveName}\n`, 'the checksum of'],
  ['a release without our archive', `${sha256('other')}  other.tar.gz\n`, 'does not list'],
])('refuses %s', async (_, checksums, message) => {
  const archive = await makeArchive();
  const releaseBaseUrl = await serveReleases((request, response) => {
    response.end(request.url?.endsWith('/checksums.txt') ? checksums : archive);
  });
  await expect(workspace.start({ releaseBaseUrl })).rejects.toThrow(message);
  expect(await cached()).toEqual([cacheKey]);
});

test('refuses an archive that is none', async () => {
  const releaseBaseUrl = await serveReleases((request, response) => {
    response.end(request.url?.endsWith('/checksums.txt') ? `${sha256('no archive')}  ${archiveName}\n` : 'no archive');
  });
  await expect(workspace.start({ releaseBaseUrl })).rejects.toThrow('the release archive');
  expect(await cached()).toEqual([cacheKey]);
});

test('says what the release server answered', async () => {
  const releaseBaseUrl = await serveReleases((_, response) => response.writeHead(404).end());
  await expect(workspace.start({ releaseBaseUrl })).rejects.toThrow('checksums.txt: HTTP 404');
});

test('an abort in mid-download leaves no file', async () => {
  const halfSent = Promise.withResolvers<void>();
  const releaseBaseUrl = await serveReleases((request, response) => {
    if (request.url?.endsWith('/checksums.txt')) response.end(`${sha256('x')}  ${archiveName}\n`);
    else
      response.writeHead(200, { 'content-length': 1_000_000 }).write(Buffer.alloc(500_000), () => halfSent.resolve());
  });
  const abort = new AbortController();
  const start = startLocalServer(workspace.options({ releaseBaseUrl, signal: abort.signal }));
  await halfSent.promise;
  abort.abort();
  await expect(start).rejects.toMatchObject({ name: 'AbortError' });
  expect(await cached()).toEqual([cacheKey]);
});

/** A `docker` that writes down what it is asked for; its container is the stub server. */
async function stubDocker({ version = 'echo 28.0', inspect = 'exit 1', pull = 'exit 0' } = {}): Promise<void> {
  const run = `exec "${process.execPath}" "${join(workspace.root, 'server.mjs')}"`;
  const stub = stubServer(PINNED).replace('"$@"', `--config "${workspace.configFile}"`);
  await writeFile(
    join(workspace.root, 'server.mjs'),
    // docker stays the parent of its container, and hands signals on.
    `import { spawn } from 'node:child_process';
     const child = spawn('/bin/sh', ['-c', ${JSON.stringify(stub)}], { stdio: 'inherit' });
     process.on('SIGTERM', () => child.kill('SIGTERM'));
     child.on('exit', (code) => process.exit(code ?? 1));`,
  );
  const cases = [`version) ${version};;`, `image) ${inspect};;`, `pull) ${pull};;`, 'rm) exit 0;;', `run) ${run};;`];
  await workspace.program(
    'docker',
    `echo "$@" >> "${join(workspace.root, 'asked')}"\ncase "$1" in\n${cases.join('\n')}\nesac`,
  );
}

test('runs the official image by Docker, and removes the container at the end', async () => {
  await stubDocker();
  const server = await workspace.start();
  expect(server).toMatchObject({ origin: 'docker', version: PINNED });
  await server.stop();
  expect(await isRunning(server.pid)).toBe(false);
  const asked = (await readFile(join(workspace.root, 'asked'), 'utf8')).trim().split('\n');
  expect(asked.map((line) => line.split(' ')[0])).toEqual(['version', 'image', 'pull', 'rm', 'run', 'rm']);
  expect(asked[2]).toBe(`pull livekit/livekit-server:v${PINNED}@${IMAGE_DIGEST}`);
  expect(asked[4]).toContain(`@${IMAGE_DIGEST}`);
  expect(asked[4]).toMatch(/^run --rm --name bulletproof-livekit-[0-9a-f]{12} --network host --volume \S+:ro /);
  expect(asked[5]).toBe(asked[3]);
});

test('publishes the ports where Docker has no host network, and has the server listen on all addresses within', async () => {
  await stubDocker({ inspect: 'exit 0' });
  await workspace.start({ platform: 'darwin' });
  const run = (await readFile(join(workspace.root, 'asked'), 'utf8'))
    .split('\n')
    .find((line) => line.startsWith('run '));
  expect(run).toMatch(
    /--publish 127\.0\.0\.1:\d+:\d+\/tcp --publish 127\.0\.0\.1:\d+:\d+\/tcp --publish \S+\/udp --volume/,
  );
  const config = await readFile(join(workspace.stateDirectory, 'livekit.docker.yaml'), 'utf8');
  expect(config).toContain('node_ip: 127.0.0.1');
  expect(config).not.toMatch(/^\s*(bind_addresses|includes|enable_loopback_candidate):/m);
});

test('there is no release archive for macOS', async () => {
  await expect(workspace.start({ platform: 'darwin' })).rejects.toThrow('there is no release archive for darwin');
});

test.each([
  [{ version: 'echo "Cannot connect to the Docker daemon" >&2; exit 1' }, 'Docker does not answer: Cannot connect'],
  [{ pull: 'echo "no such host" >&2; exit 1' }, 'docker pull failed: no such host'],
])('says why Docker did not do: %o', async (docker, message) => {
  await stubDocker(docker);
  await expect(workspace.start()).rejects.toThrow(message);
});

test('an abort in docker pull leaves no process', async () => {
  await stubDocker({ pull: `echo $$ > "${join(workspace.root, 'pids')}"; exec sleep 300` });
  const abort = new AbortController();
  const start = startLocalServer(workspace.options({ signal: abort.signal }));
  const pid = Number(await awaitText(join(workspace.root, 'pids')));
  abort.abort();
  await expect(start).rejects.toMatchObject({ name: 'AbortError' });
  await awaitEnd(pid);
  expect(existsSync(join(workspace.stateDirectory, 'livekit-server.pid'))).toBe(false);
});
