// Takes up a changed .env or providers.yaml while calls go on; what is broken never replaces what is good.
import { unwatchFile, watchFile } from 'node:fs';
import { areSameFiles, envFileIn, parseConfigFiles, readConfigFiles } from '../config/files.ts';
import { configFile } from '../config/paths.ts';
import { UserError } from '../config/user-error.ts';
import type { Logger } from '../telemetry/log.ts';
import { startupReport } from '../telemetry/startup-report.ts';
import type { HealthService } from './health-service.ts';
import { planStages } from './plan.ts';

export interface Following {
  stop(): void;
}

/** Editors replace files in many ways; looking at the files' times notices all of these. */
const LOOK_EVERY_MS = 500;

/**
 * From now on every new call uses the files as they are at its start: keys, models, voices and the order of providers. What
 * belongs to the worker itself, such as its ports, number of processes and breakers, needs a restart.
 */
export function followConfiguration(health: HealthService, log: Logger, directory: string = process.cwd()): Following {
  let current = readConfigFiles(directory);
  health.announce(current);
  const look = () => {
    try {
      const files = readConfigFiles(directory);
      if (areSameFiles(files, current)) return;
      const { config, env } = parseConfigFiles(files, directory);
      const plan = planStages(config, env);
      health.replace(plan, config, env);
      current = files;
      health.announce(files);
      log.info({ event: 'configuration_changed' }, 'the configuration changed: the next call uses it');
      for (const line of startupReport([plan.stt, plan.llm, plan.tts, plan.realtime]))
        log.info({ event: 'chain' }, line);
    } catch (error) {
      const [message, fix] = error instanceof UserError ? [error.message, error.fix] : [String(error), 'correct it'];
      log.error({ event: 'configuration_refused' }, `${message} → ${fix}; until then calls go on as before`);
    }
  };
  const paths = [envFileIn(directory), configFile];
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return {
    stop: () => {
      for (const path of paths) unwatchFile(path, look);
    },
  };
}
