// Source 1: a `livekit-server` that the user installed.
import { runCommand } from './command.ts';
import { findProgram } from './find-program.ts';
import { compareVersions, MIN_SERVER_VERSION } from './pin.ts';
import { type LaunchPlan, type SourceContext, SourceUnavailable } from './source.ts';

const VERSION_TIMEOUT_MS = 10_000;

export async function serverOnPath(context: SourceContext): Promise<LaunchPlan> {
  const command = await findProgram('livekit-server', context.env);
  if (!command) throw new SourceUnavailable('livekit-server is not on PATH');
  const version = await serverVersion(command, context);
  if (compareVersions(version, MIN_SERVER_VERSION) < 0) {
    throw new SourceUnavailable(`livekit-server on PATH is ${version}, older than ${MIN_SERVER_VERSION}`);
  }
  if (version !== context.pin.version) {
    const message = `livekit-server on PATH is ${version}; this repository is tested with ${context.pin.version}`;
    context.log.warn({ event: 'livekit.version_differs', command, version }, message);
  }
  return { origin: 'path', version, command, args: ['--config', context.config.file] };
}

/** The version that the binary reports; @throws SourceUnavailable when it does not run on this machine. */
export async function serverVersion(command: string, context: SourceContext): Promise<string> {
  const { env, signal } = context;
  const output = await runCommand(command, ['--version'], { env, signal, timeoutMs: VERSION_TIMEOUT_MS }).catch(
    (error: Error) => {
      signal.throwIfAborted();
      throw new SourceUnavailable(`${command} does not run: ${error.message}`);
    },
  );
  const version = /(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (!version) throw new SourceUnavailable(`${command} --version says no version`);
  return version;
}
