// Where things are, in the sources and in the build alike.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of the project: livekit.yaml and tools/ lie in it, and `.bulletproof/` is made in it. */
export const projectDirectory = process.cwd();

/** Personas and providers.yaml. */
export const agentsDirectory = new URL('../../agents/', import.meta.url);

/** The only configuration besides the environment. */
export const configFile = fileURLToPath(new URL('providers.yaml', agentsDirectory));

/** The call process; `.ts` in the sources, `.js` in the build. */
export const jobFile = new URL(`../job${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** What a running worker leaves behind: journal, server log, pid file. */
export const stateDirectory = join(projectDirectory, '.bulletproof');
