// Says where a local server would come from, without building, downloading or starting anything.
import { tmpdir } from 'node:os';
import { findUsableGo } from './build.ts';
import { findDocker } from './docker.ts';
import { fromCache, noServer } from './obtain.ts';
import { serverOnPath } from './on-path.ts';
import { releaseIsReachable } from './release.ts';
import { type SourceContext, SourceUnavailable } from './source.ts';

/** @throws UserError when no place would have one, as the start would say it */
export async function foreseeServer(context: SourceContext): Promise<string> {
  const sources: readonly ((current: SourceContext) => Promise<string>)[] = [
    async (current) => `livekit-server ${(await serverOnPath(current)).version} on PATH`,
    async (current) => `version ${(await fromCache(current)).version}, built here before`,
    async (current) =>
      `Go ${(await findUsableGo(current, tmpdir())).version} builds it at the first start, in 2 to 5 minutes`,
    async (current) => `${await releaseIsReachable(current)} is downloaded at the first start`,
    async (current) => `Docker at ${await findDocker(current)} runs it`,
  ];
  const failures: string[] = [];
  for (const source of sources) {
    try {
      return await source(context);
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      failures.push(error.message);
    }
  }
  throw noServer(context, failures);
}
