// Bundles the talk page with esbuild: in memory for development, into a directory for production.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Page, toAsset } from './asset.ts';

// Files as index.html names them; each becomes an asset that is named after its content.
const ENTRIES = ['theme-early.ts', 'main.ts', 'style.css', 'favicon.svg'];

/** @param sources the directory of index.html and the browser code */
export async function bundlePage(sources: string, { minify = false } = {}): Promise<Page> {
  const result = await build({
    absWorkingDir: sources,
    entryPoints: ENTRIES,
    outdir: 'assets',
    entryNames: '[name]-[hash]',
    bundle: true,
    write: false,
    metafile: true,
    minify,
    sourcemap: minify ? false : 'linked',
    format: 'iife',
    target: 'es2022',
    loader: { '.svg': 'copy' },
    legalComments: 'none',
    logLevel: 'silent',
  });
  let html = readFileSync(join(sources, 'index.html'), 'utf8');
  for (const [path, { entryPoint }] of Object.entries(result.metafile.outputs)) {
    if (entryPoint) html = html.replaceAll(`"./${entryPoint}"`, `"/assets/${basename(path)}"`);
  }
  const assets = result.outputFiles.map(({ path, contents }) => [basename(path), toAsset(path, contents)] as const);
  return { html, assets: new Map(assets) };
}

/** Writes the page for production: replaces `index.html` and `assets/` in `directory`. */
export async function buildPage(directory: string): Promise<void> {
  const page = await bundlePage(fileURLToPath(new URL('./page/', import.meta.url)), { minify: true });
  const folder = join(directory, 'assets');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(directory, 'index.html'), page.html);
  for (const [name, { body }] of page.assets) writeFileSync(join(folder, name), body);
}
