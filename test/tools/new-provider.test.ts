// `pnpm new:provider`: what it writes, and what it refuses.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newProvider } from '../../tools/new-provider.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bulletproof-new-provider-'));
  mkdirSync(join(root, 'src/chains'), { recursive: true });
  for (const file of ['src/chains/registry.ts', '.env.example']) cpSync(join(repository, file), join(root, file));
});
afterEach(() => rmSync(root, { recursive: true }));

const read = (file: string) => readFileSync(join(root, file), 'utf8');

describe.each(['stt', 'llm', 'tts'])('a new provider of %s', (stage) => {
  it('has a file, a fixture, a test, a registry line and variables', () => {
    expect(newProvider(root, stage, 'acme-voice')).toEqual([
      `src/${stage}/providers/acme-voice.ts`,
      `fixtures/vendors/acme-voice-${stage}.ts`,
      `test/${stage}/providers/acme-voice.test.ts`,
      'src/chains/registry.ts',
      '.env.example',
    ]);
    const value = `acmeVoice${stage.charAt(0).toUpperCase()}${stage.slice(1)}`;
    expect(read(`src/${stage}/providers/acme-voice.ts`)).toContain(`export const ${value} = define`);
    expect(read('src/chains/registry.ts')).toContain(`import { ${value} } from '../${stage}/providers/acme-voice.ts';`);
    expect(read('src/chains/registry.ts')).toMatch(new RegExp(`${stage}Providers = \\[${value}, `));
    expect(read('.env.example')).toMatch(/^ACME_VOICE_API_KEY=\nACME_VOICE_BASE_URL=$/m);
    expect(read(`src/${stage}/providers/acme-voice.ts`)).toContain('throw new Error');
    expect(() => newProvider(root, stage, 'acme-voice')).toThrow('is there already');
  });
});

it('refuses a stage or an id that is none, with what would be right', () => {
  expect(() => newProvider(root, 'voice', 'acme')).toThrow('expected a stage, got "voice"');
  for (const id of [undefined, 'Acme', '../acme', 'a b', '-a'])
    expect(() => newProvider(root, 'tts', id)).toThrow('id');
});
