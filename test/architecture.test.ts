// Holds the arrows of the house: who may import whom (ARCHITECTURE.md, "The house").
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Lower numbers may be imported by higher ones; folders of the same number don't know each other. */
const LAYERS: Readonly<Record<string, number>> = {
  audio: 0,
  text: 0,
  config: 1,
  telemetry: 1,
  failover: 2,
  engines: 2,
  health: 3,
  vendors: 3,
  stt: 4,
  llm: 4,
  tts: 4,
  realtime: 4,
  pipeline: 5,
  http: 5,
  livekit: 5,
  chains: 6,
  call: 7,
  cli: 8,
};
/** Files right in src: they tie the folders together. */
const TOP = 9;

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => join(folder, file));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g,
  );
  return [...found].map((match) => {
    const target = (match[1] ?? match[2]) as string;
    const to = target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target;
    return { from: file, to };
  });
}

function layerOf(file: string): number {
  const [, folder = '', ...rest] = file.split('/');
  return rest.length === 0 ? TOP : (LAYERS[folder] ?? TOP);
}

function folderOf(file: string): string {
  return file.split('/').slice(0, 2).join('/');
}

const all = sources('src').flatMap(importsOf);
const describeImport = ({ from, to }: Import) => `${from} → ${to}`;

describe('the arrows of src', () => {
  it('reads imports at all', () => {
    expect(all.length).toBeGreaterThan(50);
  });

  it('knows a layer for every folder', () => {
    const folders = new Set(
      sources('src')
        .map((file) => file.split('/'))
        .filter((parts) => parts.length > 2)
        .map((parts) => parts[1]),
    );
    expect([...folders].filter((folder) => !((folder as string) in LAYERS))).toEqual([]);
  });

  it('point downwards only', () => {
    const wrong = all.filter(({ from, to }) => {
      if (!to.startsWith('src/') || folderOf(from) === folderOf(to)) return false;
      return layerOf(from) <= layerOf(to) && layerOf(from) !== TOP;
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('keep chains and providers of a stage apart', () => {
    const room = (file: string) => /^src\/(?:stt|llm|tts|realtime)\/(chain|providers)\//.exec(file)?.[1];
    const wrong = all.filter(({ from, to }) => room(from) && room(to) && room(from) !== room(to));
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('let providers, plugins’ adapters and vendors alone know the vendors’ SDKs', () => {
    const sdks = /^(@deepgram|@cartesia|@elevenlabs|@google|@google-cloud|openai)(\/|$)/;
    const wrong = all.filter(
      ({ from, to }) => sdks.test(to) && !/^src\/([a-z]+\/providers|realtime\/plugins|vendors)\//.test(from),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('keep sockets and Redis out of the policy', () => {
    const wrong = all.filter(
      ({ from, to }) => /^src\/failover\//.test(from) && /^(ws|redis|ioredis|node:net)$/.test(to),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('never lead in a circle, types included', () => {
    const targets = new Map<string, string[]>();
    for (const { from, to } of all) if (to.startsWith('src/')) targets.set(from, [...(targets.get(from) ?? []), to]);
    const reachedFrom = (start: string) => {
      const reached = new Set<string>();
      const open = [start];
      for (let file = open.pop(); file !== undefined; file = open.pop()) {
        for (const to of targets.get(file) ?? []) {
          if (reached.has(to)) continue;
          reached.add(to);
          open.push(to);
        }
      }
      return reached;
    };
    expect([...targets.keys()].filter((file) => reachedFrom(file).has(file))).toEqual([]);
  });

  it('never lead to agents, fixtures or tests', () => {
    const wrong = all.filter(({ to }) => /^(agents|fixtures|test)\//.test(to));
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('let only the bridges, calls and the worker know @livekit packages', () => {
    const allowed =
      /^src\/((stt|llm|tts)\/livekit\/|realtime\/|pipeline\/|call\/|livekit\/|cli\/|http\/page\/|job\.ts|main\.ts)/;
    const wrong = all.filter(({ from, to }) => /^(@livekit\/|livekit-)/.test(to) && !allowed.test(from));
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('leave process.env to one file', () => {
    const readers = sources('src').filter((file) =>
      /process\.env\b/.test(stripComments(readFileSync(join(root, file), 'utf8'))),
    );
    // quiet-rtc only writes: a library has no other setting for its own log.
    expect(readers.sort()).toEqual(['src/config/environment.ts', 'src/livekit/quiet-rtc.ts']);
  });
});

describe('the arrows of agents and fixtures', () => {
  it('personas and their tools import src/index.ts only', () => {
    const wrong = sources('agents')
      .flatMap(importsOf)
      .filter(({ to }) => to.startsWith('src/') && to !== 'src/index.ts');
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('vendor fixtures import nothing from src', () => {
    const wrong = sources('fixtures/vendors')
      .flatMap(importsOf)
      .filter(({ to }) => to.startsWith('src/'));
    expect(wrong.map(describeImport)).toEqual([]);
  });
});

function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
