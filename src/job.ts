// The call process: one call each. LiveKit forks it, `prewarm` loads the models, `entry` holds the call.
import { fileURLToPath } from 'node:url';
import { defineAgent, inference } from '@livekit/agents';
import { openJournal } from './call/journal.ts';
import { type CallResources, runCall } from './call/run-call.ts';
import { createLinks, planStages, warmLocalLinks } from './call/stages.ts';
import { healthSocket, readEnvironment } from './config/environment.ts';
import { loadConfig } from './config/load.ts';
import { agentsDirectory, configFile, stateDirectory } from './config/paths.ts';
import { loadPersonas } from './config/personas.ts';
import { connectHealthBoard } from './failover/health-client.ts';
import { createLogger, wantsPretty } from './telemetry/log.ts';

export default defineAgent<{ resources?: CallResources }>({
  prewarm: async (process) => {
    process.userData.resources = await loadResources();
  },
  entry: async (context) => {
    const resources = context.proc.userData.resources ?? (await loadResources());
    await runCall(context, resources);
  },
});

async function loadResources(): Promise<CallResources> {
  const env = readEnvironment(process.cwd());
  const loaded = loadConfig(configFile);
  const config = { ...loaded, persona: { default: env.PERSONA ?? loaded.persona.default } };
  const personas = await loadPersonas(fileURLToPath(agentsDirectory), config.persona.default);
  const links = createLinks(planStages(config, env), config, env);
  const socketPath = healthSocket();
  const board = socketPath ? connectHealthBoard({ socketPath, settings: config.failover }) : undefined;
  await Promise.all([warmLocalLinks(links), board?.ready()]);
  return {
    config,
    env,
    personas,
    links,
    ...(board && { board }),
    vad: new inference.VAD(),
    journal: openJournal(fileURLToPath(new URL('journal', stateDirectory()))),
    log: createLogger({
      level: env.LOG_LEVEL ?? 'info',
      pretty: wantsPretty(env.LOG_FORMAT),
    }),
  };
}
