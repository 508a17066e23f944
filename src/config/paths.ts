// Where things are, in the sources and in the build alike.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the project, which contains livekit.yaml and tools/; `.bulletproof/` is made in it. */
export const projectDirectory = process.cwd();

/** Directory of the personas and providers.yaml. */
export const agentsDirectory = new URL('../../agents/', import.meta.url);

/** The only configuration besides the environment. */
export const configFile = fileURLToPath(new URL('providers.yaml', agentsDirectory));

/** The call process; `.ts` in the sources, `.js` in the build. */
export const jobFile = new URL(`../job${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Directory of the files that a worker leaves: journal, server log, pid file. */
export const stateDirectory = join(projectDirectory, '.bulletproof');
