// Where things are, in the sources and in the build alike.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Personas and providers.yaml. */
export const agentsDirectory = new URL('../agents/', import.meta.url);

/** The call process; `.ts` in the sources, `.js` in the build. */
export const jobFile = new URL(`./job${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** What a running worker leaves behind: journal, server log, pid file. */
export function stateDirectory(workingDirectory: string = process.cwd()): URL {
  return pathToFileURL(join(workingDirectory, '.bulletproof/'));
}
