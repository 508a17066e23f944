// .env.example names every variable that is read, and none that is not.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { providers } from '../../src/chains/registry.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const named = [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map(
  (match) => match[1] as string,
);

/** Read by convention of the system, not settings of ours. */
const SYSTEM = new Set([
  'BULLETPROOF_HEALTH_SOCKET',
  'CI',
  'DISPLAY',
  'HOME',
  'LOCALAPPDATA',
  'NODE_ENV',
  'PATH',
  'PATHEXT',
  'SSH_CONNECTION',
  'WAYLAND_DISPLAY',
  'XDG_CACHE_HOME',
]);

function variablesReadIn(folder: string): string[] {
  const texts = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, folder, file), 'utf8'));
  const names = texts.flatMap((text) => [
    ...[...text.matchAll(/\b(?:env|given)\.([A-Z][A-Z0-9_]+)/g)].map((match) => match[1] as string),
    ...[...text.matchAll(/\{([^{}]*)\} = (?:[\w.]+\.)?env\b/g)].flatMap(
      (match) => (match[1] as string).match(/\b[A-Z][A-Z0-9_]+(?=\s*[:,=]|\s*$)/g) ?? [],
    ),
  ]);
  return names.filter((name) => !SYSTEM.has(name));
}

describe('.env.example', () => {
  it('names each variable once, without a value', () => {
    expect(named).toEqual([...new Set(named)]);
    expect(readFileSync(join(root, '.env.example'), 'utf8')).not.toMatch(/^[A-Z][A-Z0-9_]*=\S/m);
  });

  it('names what the providers need', () => {
    expect(named).toEqual(expect.arrayContaining(providers.flatMap((provider) => Object.keys(provider.env))));
  });

  it('names what the code reads, and nothing else', () => {
    const read = new Set([
      ...variablesReadIn('src'),
      ...variablesReadIn('agents'),
      ...providers.flatMap((p) => Object.keys(p.env)),
    ]);
    expect([...named].sort()).toEqual([...read].sort());
  });
});
