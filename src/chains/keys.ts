// What a provider is given of the environment and the configuration: its own variables, one of its keys, its model.
import { createHash } from 'node:crypto';
import type { Environment } from '../config/environment.ts';
import type { ProviderSettings } from '../config/provider.ts';
import type { Config } from '../config/schema.ts';
import type { AnyProvider, Stage } from './stages.ts';

interface Key {
  readonly ofKey: Environment;
  readonly keyFingerprint?: string;
}

/** One entry for each key that a provider's variable holds (comma separated); one entry without a key where there is none. */
export function keysOf(provider: Pick<AnyProvider, 'keyEnv' | 'needsOneOf'>, env: Environment): Key[] {
  const names = [provider.keyEnv, ...(provider.needsOneOf ?? [])].filter((name) => name?.endsWith('_KEY'));
  const name = names.find((candidate) => candidate && env[candidate]);
  const keys = (name && env[name]?.split(',').flatMap((key) => key.trim() || [])) || [];
  if (!name || keys.length === 0) return [{ ofKey: {} }];
  return keys.map((key) => ({
    ofKey: { [name]: key },
    // A changed key gets another fingerprint: what was known of the old key does not hold for it.
    keyFingerprint: createHash('sha256').update(key).digest('hex').slice(0, 8),
  }));
}

/** A provider sees the variables that it names and no others. */
export function settingsOf(
  provider: { readonly id: string; readonly stage: string; readonly env: Readonly<Record<string, unknown>> },
  config: Config,
  env: Environment,
): ProviderSettings {
  return {
    env: Object.fromEntries(Object.keys(provider.env).map((name) => [name, env[name]])),
    model: config.models[provider.stage as Stage][provider.id],
  };
}
