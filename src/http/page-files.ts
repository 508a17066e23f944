// The talk page as the server holds it: the document and its assets, in memory.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../config/user-error.ts';
import { type Page, toAsset } from './asset.ts';

/** The page: bundled now when the sources run; when the build runs, read from where `buildPage` put it. */
export async function loadPage(): Promise<Page> {
  const directory = fileURLToPath(new URL('./page/', import.meta.url));
  if (!import.meta.url.endsWith('.ts')) return readPage(directory);
  const { bundlePage } = await import('./bundle-page.ts');
  return bundlePage(directory);
}

/** @throws UserError when the page was not built into `directory` */
export function readPage(directory: string): Page {
  try {
    const html = readFileSync(join(directory, 'index.html'), 'utf8');
    const folder = join(directory, 'assets');
    const names = readdirSync(folder);
    return { html, assets: new Map(names.map((name) => [name, toAsset(name, readFileSync(join(folder, name)))])) };
  } catch (error) {
    throw new UserError(`the talk page is not in ${directory}`, 'build it with pnpm build', { cause: error });
  }
}
