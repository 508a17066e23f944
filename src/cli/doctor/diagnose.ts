// Puts the checks of `pnpm doctor` together.
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { providers, sttProviders, ttsProviders } from '../../chains/registry.ts';
import { type Environment, readEnvironment } from '../../config/environment.ts';
import { loadConfig } from '../../config/load.ts';
import { describeError } from '../../config/user-error.ts';
import { findOllama } from '../../llm/providers/local.ts';
import { type Check, type Row, runChecks } from './check.ts';
import { groundChecks } from './ground-checks.ts';
import { livekitChecks } from './livekit-checks.ts';
import { loopbackCheck } from './loopback-check.ts';
import { type CheckedProvider, providerChecks } from './provider-checks.ts';

export interface DiagnoseOptions {
  /** Root of the repository. */
  readonly root: string;
  /** Directory of the personas and providers.yaml. */
  readonly agents: URL;
  readonly httpPort: number;
  readonly signal: AbortSignal;
  /** The process's own environment by default. */
  readonly processEnv?: Environment;
  readonly releaseBaseUrl?: string;
  /** All providers of the registry by default. */
  readonly providers?: readonly CheckedProvider[];
}

/** All checks run at once, so this limits the whole command, which promises an answer in under 10 s. */
const CHECK_TIMEOUT_MS = 8_500;

/** @throws only the signal's reason; whatever else is wrong is a row */
export async function diagnose(options: DiagnoseOptions): Promise<readonly Row[]> {
  const { root, agents, httpPort, signal, releaseBaseUrl } = options;
  const checked = options.providers ?? providers;
  const { env, broken } = await environmentOf(options);
  const checks: readonly Check[] = [
    ...groundChecks(root, agents, env, process.version).filter(({ name }) => !broken || name !== broken.name),
    ...livekitChecks({ root, env, httpPort, releaseBaseUrl }),
    ...checksOfProviders(checked, agents, env),
    ...freeSpeech(checked),
  ];
  const rows = await runChecks(checks, CHECK_TIMEOUT_MS, signal);
  return broken ? [broken, ...rows] : rows;
}

/** A broken `.env` becomes a row, so that it does not hide what else is wrong. */
async function environmentOf({
  root,
  processEnv,
  signal,
}: DiagnoseOptions): Promise<{ env: Environment; broken?: Row }> {
  const read = (directory: string) =>
    processEnv ? readEnvironment(directory, processEnv) : readEnvironment(directory);
  const ollama = findOllama(undefined, signal);
  const withOllama = async (env: Environment): Promise<Environment> => {
    const found = await ollama;
    return found && !env.LOCAL_LLM_BASE_URL ? { ...env, LOCAL_LLM_BASE_URL: found.baseUrl } : env;
  };
  try {
    return { env: await withOllama(read(root)) };
  } catch (error) {
    const [found = '', fix] = describeError(error).replace(/^✖ /, '').split(' → ');
    // The temporary directory has no `.env`.
    const env = await withOllama(read(tmpdir()));
    return { env, broken: { name: 'Environment', state: 'broken', found, fix } };
  }
}

function checksOfProviders(all: readonly CheckedProvider[], agents: URL, env: Environment): readonly Check[] {
  try {
    return providerChecks(all, loadConfig(fileURLToPath(new URL('providers.yaml', agents))), env);
  } catch {
    // The row "Configuration" says what is wrong with it.
    return [];
  }
}

function freeSpeech(all: readonly CheckedProvider[]): readonly Check[] {
  const checked = new Set(all.map(({ id }) => id));
  const tts = ttsProviders.find(({ id }) => id === 'free-tts' && checked.has(id));
  const stt = sttProviders.find(({ id }) => id === 'free-stt' && checked.has(id));
  return tts && stt ? [loopbackCheck(tts, stt)] : [];
}
