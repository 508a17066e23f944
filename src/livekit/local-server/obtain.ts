// Goes through the places where a LiveKit server may come from, and remembers why each could not serve.
import { UserError } from '../../config/user-error.ts';
import { buildServer } from './build.ts';
import { binaryCache } from './cache.ts';
import { serverInDocker } from './docker.ts';
import { serverOnPath, serverVersion } from './on-path.ts';
import { downloadServer } from './release.ts';
import { type LaunchPlan, type ServerOrigin, type SourceContext, SourceUnavailable } from './source.ts';

/** @throws UserError when no place has one: what was tried, and the ways out */
export async function obtainServer(context: SourceContext): Promise<LaunchPlan> {
  const sources: readonly [ServerOrigin, (context: SourceContext) => Promise<LaunchPlan>][] = [
    ['path', serverOnPath],
    ['cache', fromCache],
    ['build', (current) => intoCache('build', current, buildServer)],
    ['release', (current) => intoCache('release', current, downloadServer)],
    ['docker', serverInDocker],
  ];
  const failures: string[] = [];
  for (const [origin, source] of sources) {
    context.signal.throwIfAborted();
    try {
      return await source(context);
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      context.log.debug({ event: 'livekit.source_unavailable', origin, reason: error.message }, error.message);
      failures.push(error.message);
    }
  }
  throw noServer(context, failures);
}

export function noServer(context: SourceContext, failures: readonly string[]): UserError {
  const go = context.pin.goVersion.split('.').slice(0, 2).join('.');
  return new UserError(
    `no LiveKit server could be had: ${failures.join('; ')}`,
    `install Go ${go} or newer, or put livekit-server on PATH, or set LIVEKIT_URL`,
  );
}

export async function fromCache(context: SourceContext): Promise<LaunchPlan> {
  const cache = binaryCache(context);
  if (!(await cache.has())) throw new SourceUnavailable('none was built here before');
  const version = await serverVersion(cache.binary, context);
  return { origin: 'cache', version, command: cache.binary, args: ['--config', context.config.file] };
}

async function intoCache(
  origin: ServerOrigin,
  context: SourceContext,
  make: (context: SourceContext, workDirectory: string) => Promise<string>,
): Promise<LaunchPlan> {
  const cache = binaryCache(context);
  await cache.fill(context, async (workDirectory) => {
    const binary = await make(context, workDirectory);
    const version = await serverVersion(binary, context);
    if (version !== context.pin.version) throw new SourceUnavailable(`${origin} gave version ${version}`);
    return binary;
  });
  return { ...(await fromCache(context)), origin };
}
