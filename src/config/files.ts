// The two files of the configuration as texts, so that every process reads the same: .env and agents/providers.yaml.
import { join } from 'node:path';
import { type Environment, parseEnvironment, readEnvFile } from './environment.ts';
import { parseConfig, readConfigFile } from './load.ts';
import { configFile } from './paths.ts';
import type { Config } from './schema.ts';

export interface ConfigFiles {
  /** Text of `.env`; it holds keys and is never logged. */
  readonly env: string;
  readonly providers: string;
}

export const envFileIn = (directory: string): string => join(directory, '.env');

/** @throws UserError when one can't be read */
export function readConfigFiles(directory: string): ConfigFiles {
  return { env: readEnvFile(envFileIn(directory)), providers: readConfigFile(configFile) };
}

/** Whether both readings are the same. */
export function areSameFiles(one: ConfigFiles, other: ConfigFiles): boolean {
  return one.env === other.env && one.providers === other.providers;
}

/** @throws UserError naming file and line of what is wrong */
export function parseConfigFiles(
  { env: text, providers }: ConfigFiles,
  directory: string,
): { readonly config: Config; readonly env: Environment } {
  const env = parseEnvironment(text, envFileIn(directory));
  const config = parseConfig(providers, configFile);
  return { env, config: { ...config, persona: { default: env.PERSONA ?? config.persona.default } } };
}
