// Source 3: built with Go from the module that pins it.
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { findProgram } from './find-program.ts';
import { compareVersions, serverPackage } from './pin.ts';
import { type SourceContext, SourceUnavailable } from './source.ts';

/** Go prints a line per package. The largest package and the linking take up to a minute on a slow machine. */
const STALL_MS = 5 * 60_000;
const GO_ENV_TIMEOUT_MS = 15_000;
/** From this version on, Go can fetch the newer Go that a module asks for. */
const FIRST_GO_WITH_TOOLCHAINS = '1.21.0';

export async function buildServer(context: SourceContext, workDirectory: string): Promise<string> {
  const { command: go } = await findUsableGo(context, workDirectory);
  const binary = join(workDirectory, 'livekit-server');
  const progress = buildProgress(context.onProgress);
  // A minimal build: no cgo, no debug symbols; -v prints each package as it is compiled.
  const args = ['build', '-v', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', binary];
  try {
    await runCommand(go, [...args, serverPackage], {
      env: { ...context.env, CGO_ENABLED: '0', GOWORK: 'off', GOTMPDIR: workDirectory, GOOS: '', GOARCH: '' },
      cwd: context.pin.moduleDirectory,
      signal: context.signal,
      stallMs: STALL_MS,
      onLine: progress.line,
    });
  } catch (error) {
    context.signal.throwIfAborted();
    throw new SourceUnavailable(`go build failed: ${(error as Error).message}`);
  } finally {
    progress.stop();
  }
  return binary;
}

/**
 * A Go that can build the server. `cwd` must lie outside every Go module, or Go fetches the version that the module asks for.
 * @throws SourceUnavailable when there is none
 */
export async function findUsableGo(
  context: SourceContext,
  cwd: string,
): Promise<{ readonly command: string; readonly version: string }> {
  const needed = context.pin.goVersion;
  const go = await findProgram('go', context.env);
  if (!go) throw new SourceUnavailable('Go is not on PATH');
  const { env, signal } = context;
  const args = ['env', 'GOVERSION', 'GOTOOLCHAIN'];
  const output = await runCommand(go, args, { env, signal, cwd, timeoutMs: GO_ENV_TIMEOUT_MS }).catch(
    (error: Error) => {
      signal.throwIfAborted();
      throw new SourceUnavailable(`go does not run: ${error.message}`);
    },
  );
  const [name = '', toolchain = ''] = output.split('\n').map((line) => line.trim());
  const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(name)?.[1];
  if (!version) throw new SourceUnavailable(`go says "${name}" for its version`);
  const fetchesNewer = compareVersions(version, FIRST_GO_WITH_TOOLCHAINS) >= 0 && /(^|\+)auto$/.test(toolchain);
  if (compareVersions(version, needed) < 0 && !fetchesNewer) {
    throw new SourceUnavailable(`Go is ${version}, and ${needed} or newer is needed`);
  }
  return { command: go, version };
}

/** Turns Go's output into one line of progress, renewed every second even when Go prints nothing. */
function buildProgress(onProgress: (text: string) => void): { line(text: string): void; stop(): void } {
  const startedAt = Date.now();
  let downloaded = 0;
  let compiled = 0;
  const report = () => {
    const elapsed = Math.round((Date.now() - startedAt) / 1_000);
    const counts = [downloaded > 0 && `${downloaded} modules fetched`, `${compiled} packages compiled`].filter(Boolean);
    onProgress(`building the LiveKit server with Go, once (2 to 5 minutes): ${counts.join(', ')}, ${elapsed} s`);
  };
  report();
  const timer = setInterval(report, 1_000);
  return {
    line(text) {
      if (text.startsWith('go: downloading ')) downloaded += 1;
      else if (/^[\w.-]+(\/[\w.-]+)*$/.test(text)) compiled += 1;
    },
    stop: () => clearInterval(timer),
  };
}
