// The call process: one call each. LiveKit forks it, `prewarm` loads the models, `entry` holds the call.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineAgent, inference } from '@livekit/agents';
import { openJournal } from './call/journal.ts';
import { openMessageStore } from './call/messages.ts';
import { openOutbox } from './call/outbox.ts';
import { type CallResources, runCall } from './call/run-call.ts';
import { closeLeft, createLinks, warmLocalLinks } from './chains/links.ts';
import { planStages } from './chains/plan.ts';
import { healthSocket } from './config/environment.ts';
import { areSameFiles, type ConfigFiles, parseConfigFiles, readConfigFiles } from './config/files.ts';
import { agentsDirectory, stateDirectory } from './config/paths.ts';
import { loadPersonas } from './config/personas.ts';
import { UserError } from './config/user-error.ts';
import { DEFAULT_FAILOVER, type FailoverSettings } from './failover/settings.ts';
import { connectHealthBoard, type HealthClient } from './health/client.ts';
import { endWithWorker } from './livekit/end-with-worker.ts';
import { keepWordsOutOfLog } from './livekit/private-log.ts';
import { createLogger, wantsPretty } from './telemetry/log.ts';

let hasCall = false;
endWithWorker(() => hasCall);

export default defineAgent<{ resources?: Loaded }>({
  prewarm: async (process) => {
    keepWordsOutOfLog();
    process.userData.resources = await loadResources();
  },
  entry: async (context) => {
    hasCall = true;
    keepWordsOutOfLog();
    const resources = await renewed(context.proc.userData.resources ?? (await loadResources()));
    await runCall(context, resources);
  },
});

interface Loaded extends CallResources {
  readonly files: ConfigFiles;
  readonly board?: HealthClient;
}

async function loadResources(): Promise<Loaded> {
  const found = readConfigFiles(process.cwd());
  const socketPath = healthSocket();
  const board = socketPath ? connectHealthBoard({ socketPath, settings: failoverSettings(found) }) : undefined;
  await board?.ready();
  // Uses the files that the parent accepted, as those on disk may be broken just now.
  const files = board?.config ?? found;
  const { config, env } = parseConfigFiles(files, process.cwd());
  const personas = await loadPersonas(fileURLToPath(agentsDirectory), config.persona.default);
  const links = createLinks(planStages(config, env), config, env);
  await warmLocalLinks(links);
  return {
    files,
    config,
    env,
    personas,
    links,
    ...(board && { board }),
    vad: new inference.VAD(),
    journal: openJournal(join(stateDirectory, 'journal')),
    outbox: openOutbox(join(stateDirectory, 'outbox')),
    messages: openMessageStore(join(stateDirectory, 'messages')),
    log: createLogger({
      level: env.LOG_LEVEL ?? 'info',
      pretty: wantsPretty(env.LOG_FORMAT),
    }),
  };
}

/** The resources for the current configuration, as this process may have been loaded long before its call. */
async function renewed(resources: Loaded): Promise<Loaded> {
  const files = resources.board?.config;
  if (!files || areSameFiles(files, resources.files)) return resources;
  try {
    const { config, env } = parseConfigFiles(files, process.cwd());
    const links = createLinks(planStages(config, env), config, env, resources.links);
    await closeLeft(resources.links, links);
    return { ...resources, files, config, env, links };
  } catch (error) {
    // Not expected, as the parent accepted the files; the call uses the former configuration.
    const message = error instanceof UserError ? error.message : String(error);
    resources.log.error({ event: 'configuration_refused' }, message);
    return resources;
  }
}

/** The configured settings; the defaults when the files are broken. */
function failoverSettings(files: ConfigFiles): FailoverSettings {
  try {
    return parseConfigFiles(files, process.cwd()).config.failover;
  } catch {
    return DEFAULT_FAILOVER;
  }
}
