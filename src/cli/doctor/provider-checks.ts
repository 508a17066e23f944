// The rows about providers: whether each has its keys, and whether it answers.
import { keysOf, settingsOf } from '../../chains/keys.ts';
import { whatIsMissing } from '../../chains/plan.ts';
import type { Environment } from '../../config/environment.ts';
import type { ProviderClient, ProviderDefinition, ProviderTraits } from '../../config/provider.ts';
import type { Config } from '../../config/schema.ts';
import { type Check, firstLine, type Row } from './check.ts';

export type CheckedProvider = ProviderDefinition<string, ProviderTraits, ProviderClient>;

/** One check per provider, so that a slow provider delays no other. */
export function providerChecks(
  providers: readonly CheckedProvider[],
  config: Config,
  env: Environment,
): readonly Check[] {
  return providers.map((provider) => {
    const name = `${provider.stage} ${provider.id}`;
    return {
      name,
      // Checks each of several keys by itself: otherwise a refused key would be noticed only when its turn comes.
      run: (signal) => {
        const keys = keysOf(provider, env);
        return Promise.all(
          keys.map(({ ofKey }, place) => {
            const row = keys.length > 1 ? `${name}, key ${place + 1} of ${keys.length}` : name;
            return providerRow(row, provider, config, { ...env, ...ofKey }, signal);
          }),
        );
      },
    };
  });
}

async function providerRow(
  name: string,
  provider: CheckedProvider,
  config: Config,
  env: Environment,
  signal: AbortSignal,
): Promise<Row> {
  const required = Object.keys(provider.env).filter((variable) => provider.env[variable] === 'required');
  const what = whatIsMissing(provider, env);
  if (what !== undefined) {
    return { name, state: 'unused', found: `${what} not set`, fix: `to use it, set ${what} in .env` };
  }
  const client = provider.create(settingsOf(provider, config, env));
  try {
    if (!client.check) {
      const given = Object.keys(provider.env).filter((variable) => env[variable]);
      if (given.length === 0) return { name, state: 'good', found: 'runs on this machine, needs no key' };
      // The user gave a model of their own: only loading it shows whether it is usable.
      await client.warm?.();
      return { name, state: 'good', found: `runs on this machine with ${given.join(' and ')}` };
    }
    await client.check(signal);
    return { name, state: 'good', found: required.length > 0 ? `answers, ${required.join(' and ')} set` : 'answers' };
  } catch (error) {
    signal.throwIfAborted();
    const used = Object.keys(provider.env).filter((variable) => env[variable]);
    const fix =
      used.length > 0 ? `correct ${used.join(', ')} in .env, or remove it` : 'install again: pnpm install --force';
    return { name, state: 'broken', found: withoutSecrets(firstLine(error), used, env), fix };
  } finally {
    await client.close().catch(() => undefined);
  }
}

/** A vendor's error may repeat the key that it was given. */
function withoutSecrets(text: string, names: readonly string[], env: Environment): string {
  return names
    .filter((name) => /KEY|SECRET|TOKEN|PASSWORD/.test(name))
    .reduce((rest, name) => rest.replaceAll(env[name] as string, `(${name})`), text);
}
