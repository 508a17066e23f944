// `pnpm new:provider <stt|llm|tts> <id>`: the files of a new provider. Its tests fail, each with what is still to be filled in.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError, UserError } from '../src/config/user-error.ts';

const STAGES = ['stt', 'llm', 'tts'] as const;
type Stage = (typeof STAGES)[number];

const HELP = `Usage: pnpm new:provider <stage> <id>

Writes a provider, its fixture server and its test, and adds its line to src/chains/registry.ts and its variables to .env.example.
What is to be filled in throws or fails with a text that says so.

  <stage>  ${STAGES.join(', ')}
  <id>     as chains name it in agents/providers.yaml: small letters, digits and "-", such as acme
`;

/**
 * @param root folder of the repository
 * @returns the files that were written or changed, relative to `root`
 * @throws UserError for an unknown stage, an id that is none, or one that is taken
 */
export function newProvider(root: string, stage: string | undefined, id: string | undefined): string[] {
  if (!isStage(stage)) {
    throw new UserError(
      `expected a stage, got ${stage ? `"${stage}"` : 'none'}`,
      `choose one of: ${STAGES.join(', ')}`,
    );
  }
  if (!id || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(id)) {
    throw new UserError(
      `expected an id of small letters, digits and "-", got ${id ? `"${id}"` : 'none'}`,
      `write for example: pnpm new:provider ${stage} acme`,
    );
  }
  const files = filesOf(stage, id);
  const registryFile = join(root, 'src/chains/registry.ts');
  const registry = readFileSync(registryFile, 'utf8');
  const taken =
    [`src/${stage}/providers/${id}`, ...Object.keys(files)].find((file) => existsSync(join(root, file))) ??
    (new RegExp(`\\b${nameOf(stage, id)}\\b`).test(registry)
      ? `"${nameOf(stage, id)}" in src/chains/registry.ts`
      : undefined);
  if (taken) throw new UserError(`${taken} is there already`, 'choose another id, or change that file');
  const withProvider = registered(registry, stage, id);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  writeFileSync(registryFile, withProvider);
  nameVariables(join(root, '.env.example'), id);
  return [...Object.keys(files), 'src/chains/registry.ts', '.env.example'];
}

function isStage(stage: string | undefined): stage is Stage {
  return STAGES.includes(stage as Stage);
}

function camelCase(id: string): string {
  return id.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Where two stages have a provider of one vendor, its name carries the stage, as `deepgramStt`. */
const nameOf = (stage: Stage, id: string) => `${camelCase(id)}${capital(stage)}`;
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
const variable = (id: string) => id.toUpperCase().replaceAll('-', '_');

/** The registry with the provider's import and its place in the list. */
function registered(registry: string, stage: Stage, id: string): string {
  const value = nameOf(stage, id);
  const list = `export const ${stage}Providers = [`;
  if (!registry.includes(list))
    throw new UserError(`src/chains/registry.ts has no list "${stage}Providers"`, 'add it there');
  const imported = `import { ${value} } from '../${stage}/providers/${id}.ts';\n`;
  return registry.replace('\nexport const', `${imported}\nexport const`).replace(list, `${list}${value}, `);
}

function nameVariables(file: string, id: string): void {
  const text = readFileSync(file, 'utf8');
  // A vendor that serves another stage has them already.
  const missing = [`${variable(id)}_API_KEY=`, `${variable(id)}_BASE_URL=`].filter(
    (line) => !text.includes(`\n${line}`),
  );
  const added = missing.map((line) => `${line}\n`).join('');
  const before = text.indexOf('\n# --- Several workers ---');
  writeFileSync(file, before < 0 ? `${text}${added}` : `${text.slice(0, before)}${added}${text.slice(before)}`);
}

function filesOf(stage: Stage, id: string): Record<string, string> {
  return {
    [`src/${stage}/providers/${id}.ts`]: provider(stage, id),
    [`fixtures/vendors/${id}-${stage}.ts`]: fixture(stage, id),
    [`test/${stage}/providers/${id}.test.ts`]: TESTS[stage](id),
  };
}

/** What a provider of each stage begins with. */
const SHAPES: Record<Stage, { is: string; traits: string; method: string; todo: string }> = {
  stt: {
    is: 'speech to text',
    traits: 'sampleRateHz: 16_000, interimResults: true, wordTimes: true, needsVoiceActivity: false',
    method: 'open',
    todo: 'open a stream to the vendor, and return an SttSession',
  },
  llm: {
    is: "a language model. Where it speaks OpenAI's chat completions, use openai-compatible/ and give its base URL",
    traits: 'typicalFirstMs: 500',
    method: 'reply',
    todo: 'ask the vendor, and return the parts of its reply',
  },
  tts: {
    is: 'text to speech',
    traits: "sampleRateHz: 24_000, wordTimes: 'none', defaultVoices: { en: '' }",
    method: 'open',
    todo: 'open a reply at the vendor, and return a TtsSession',
  },
};

function provider(stage: Stage, id: string): string {
  const { is, traits, method, todo } = SHAPES[stage];
  return `// ${id}: ${is}.
import { define${capital(stage)} } from '../contract.ts';

export const ${nameOf(stage, id)} = define${capital(stage)}({
  id: '${id}',
  title: '${capital(id)}',
  env: { ${variable(id)}_API_KEY: 'required', ${variable(id)}_BASE_URL: 'optional' },
  keyEnv: '${variable(id)}_API_KEY',
  traits: { languages: ['en'], ${traits} },
  create: () => ({
    ${method}: () => {
      throw new Error('src/${stage}/providers/${id}.ts: ${todo} (src/${stage}/contract.ts)');
    },
    close: async () => undefined,
  }),
});
`;
}

const startOf = (stage: Stage, id: string) => `start${capital(nameOf(stage, id))}`;

function fixture(stage: Stage, id: string): string {
  const start = startOf(stage, id);
  return `// A server on loopback that speaks ${id}'s protocol, failing on command. Name the vendor's document for each message.
import { startVendorServer, type VendorServer } from '../vendor-server.ts';

export function ${start}({ apiKey }: { readonly apiKey: string }): Promise<VendorServer> {
  return startVendorServer({
    authorise: ({ headers }) =>
      headers.authorization === \`Bearer \${apiKey}\` ? undefined : { status: 401, code: undefined, message: 'wrong key' },
    errorBody: ({ message }) => ({ error: message }),
    http: ({ response }) =>
      void response.writeHead(501).end('fixtures/vendors/${id}-${stage}.ts: answer as the vendor does, and cite where that is written'),
  });
}
`;
}

function testHead(stage: Stage, id: string, imports: string): string {
  const start = startOf(stage, id);
  return `// ${id}: the common suite on its fixture. Add what is peculiar to it, and what becomes of every way to fail.
import { afterAll, beforeAll } from 'vitest';
import { ${start} } from '../../../fixtures/vendors/${id}-${stage}.ts';
import type { VendorServer } from '../../../fixtures/vendor-server.ts';
import { ${nameOf(stage, id)} } from '../../../src/${stage}/providers/${id}.ts';
${imports}
const KEY = 'key-of-a-test';
let vendor: VendorServer;
beforeAll(async () => {
  vendor = await ${start}({ apiKey: KEY });
});
afterAll(() => vendor.close());

const client = () => ${nameOf(stage, id)}.create({ env: { ${variable(id)}_API_KEY: KEY, ${variable(id)}_BASE_URL: vendor.url } });

`;
}

const TESTS: Record<Stage, (id: string) => string> = {
  stt: (id) => `${testHead(
    'stt',
    id,
    `import { sttConformance } from '../../conformance/stt.ts';
import { markedSpeech } from '../support/marked-speech.ts';
`,
  )}sttConformance('${id}', client, {
  traits: ${nameOf('stt', id)}.traits,
  speech: markedSpeech([2, 5, 8], 'please-hold'),
  heard: /^w2 w5 w8$/,
});
`,
  llm: (id) => `${testHead(
    'llm',
    id,
    `import { describeLlm } from '../../conformance/llm.ts';
import { conversation, tool } from '../support/chat-subject.ts';
`,
  )}describeLlm({
  provider: ${nameOf('llm', id)},
  open: async () => ({ client: client() }),
  talk: conversation.hello,
  callingTalk: conversation.leaveMessage,
  tool,
  expectedArguments: { name: 'Ann' },
  secrets: [KEY],
  // Each way to fail: what is arranged at the fixture before, and the kind that it is told as.
  failures: [],
});
`,
  tts: (id) => `${testHead(
    'tts',
    id,
    `import { ttsConformance } from '../../conformance/tts.ts';
`,
  )}ttsConformance('${id}', client, { traits: ${nameOf('tts', id)}.traits });
`,
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [stage, id] = process.argv.slice(2).filter((arg) => arg !== '--');
  if (stage === '--help' || stage === undefined) process.stdout.write(HELP);
  else {
    try {
      const files = newProvider(fileURLToPath(new URL('..', import.meta.url)), stage, id);
      process.stdout.write(`${files.map((file) => `  ${file}`).join('\n')}
Next: \`pnpm format\`, then \`pnpm exec vitest run test/${stage}/providers/${id}.test.ts\` says what is to be filled in. To serve calls, name "${id}" in
chains.${stage} of agents/providers.yaml; say what its variables are in .env.example.\n`);
    } catch (error) {
      process.stderr.write(`${describeError(error)}\n`);
      process.exitCode = 1;
    }
  }
}
