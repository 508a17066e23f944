// Source 4: the official release archive, verified against the digest in this repository, or the release's own checksum file.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { type SourceContext, SourceUnavailable } from './source.ts';

export const officialReleases = 'https://github.com/livekit/livekit/releases/download';

/** A download is given up when no data comes for this time. */
const SILENCE_MS = 20_000;
/** The archive of 1.11.0 has about 20 MB. */
const MAX_ARCHIVE_BYTES = 200 * 1024 * 1024;
const MAX_CHECKSUMS_BYTES = 64 * 1024;

/** Names as in .goreleaser.yaml of livekit/livekit; there is no archive for macOS, and the one for Windows is a zip. */
const ARCHIVE_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'armv7' };

export async function downloadServer(context: SourceContext, workDirectory: string): Promise<string> {
  const { name, release } = releaseFor(context);
  const archive = join(workDirectory, name);
  const expected = context.pin.archives[name] ?? (await checksumInRelease(context, workDirectory));
  const actual = await download(`${release}/${name}`, archive, MAX_ARCHIVE_BYTES, context);
  if (actual !== expected) {
    throw new SourceUnavailable(
      `the checksum of ${name} is ${actual.slice(0, 12)}…, expected ${expected.slice(0, 12)}…`,
    );
  }
  return unpack(archive, workDirectory);
}

async function checksumInRelease(context: SourceContext, workDirectory: string): Promise<string> {
  const { name, release } = releaseFor(context);
  const checksums = join(workDirectory, 'checksums.txt');
  await download(`${release}/checksums.txt`, checksums, MAX_CHECKSUMS_BYTES, context);
  const expected = checksumOf(await readFile(checksums, 'utf8'), name);
  if (!expected) throw new SourceUnavailable(`the release's checksums.txt does not list ${name}`);
  return expected;
}

function releaseFor({ pin, platform, releaseBaseUrl }: SourceContext): { name: string; release: string } {
  const architecture = ARCHIVE_ARCHITECTURES[process.arch];
  if (platform !== 'linux' || !architecture) {
    throw new SourceUnavailable(`there is no release archive for ${platform} ${process.arch}`);
  }
  const name = `livekit_${pin.version}_linux_${architecture}.tar.gz`;
  return { name, release: `${releaseBaseUrl}/v${pin.version}` };
}

/** The archive's name. @throws SourceUnavailable when there is none for this machine or nothing answers */
export async function releaseIsReachable(context: SourceContext): Promise<string> {
  const { name, release } = releaseFor(context);
  const url = `${release}/checksums.txt`;
  const response = await fetch(url, { method: 'HEAD', signal: context.signal }).catch((error: Error) => {
    context.signal.throwIfAborted();
    throw new SourceUnavailable(`${url}: ${reason(error)}`);
  });
  if (!response.ok) throw new SourceUnavailable(`${url}: HTTP ${response.status}`);
  return name;
}

/** Lines are "<sha256>  <file>", as sha256sum writes them. */
function checksumOf(text: string, name: string): string | undefined {
  for (const line of text.split('\n')) {
    const match = /^([0-9a-fA-F]{64})\s+\*?(\S+)\s*$/.exec(line);
    if (match?.[2] === name) return match[1]?.toLowerCase();
  }
  return undefined;
}

/** Writes the file and returns its SHA-256 in hex. */
async function download(url: string, file: string, maxBytes: number, context: SourceContext): Promise<string> {
  const { signal, onProgress } = context;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`nothing came for ${SILENCE_MS / 1_000} s`)), SILENCE_MS);
  const hash = createHash('sha256');
  try {
    const eitherSignal = AbortSignal.any([signal, silence.signal]);
    const response = await fetch(url, { signal: eitherSignal });
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
    const total = Number(response.headers.get('content-length') ?? 0);
    let received = 0;
    await pipeline(
      response.body,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          timer.refresh();
          received += chunk.byteLength;
          if (received > maxBytes) throw new Error(`more than ${megabytes(maxBytes)}`);
          hash.update(chunk);
          onProgress(`downloading the LiveKit server: ${megabytes(received)}${total ? ` of ${megabytes(total)}` : ''}`);
          yield chunk;
        }
      },
      createWriteStream(file, { flags: 'wx' }),
      { signal: eitherSignal },
    );
    return hash.digest('hex');
  } catch (error) {
    signal.throwIfAborted();
    throw new SourceUnavailable(`${url}: ${reason(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function unpack(archive: string, directory: string): Promise<string> {
  const binary = join(directory, 'livekit-server');
  try {
    await extract({ file: archive, cwd: directory, strict: true }, ['livekit-server']);
    if ((await stat(binary)).isFile()) return binary;
  } catch (error) {
    throw new SourceUnavailable(`the release archive cannot be unpacked: ${reason(error)}`);
  }
  throw new SourceUnavailable('the release archive holds no livekit-server');
}

/** fetch says only "fetch failed"; the reason is in its cause. */
function reason(error: unknown): string {
  const { cause, message } = error as Error;
  if (!(cause instanceof Error)) return message;
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}
