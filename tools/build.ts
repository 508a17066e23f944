// `pnpm build`: plain JavaScript in dist/, with everything beside it that the code reads at run time.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPage } from '../src/http/bundle-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;

/** Read at run time by the modules beside them. */
const ASSETS = ['src/call/recordings', 'src/engines/pocketsphinx/pocketsphinx.wasm', 'src/engines/pocketsphinx/model'];

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
for (const asset of ASSETS) cpSync(`${root}${asset}`, `${dist}/${asset}`, { recursive: true });
// The configuration, and what personas keep beside them, such as recordings.
cpSync(`${root}agents`, `${dist}/agents`, { recursive: true, filter: (file) => !file.endsWith('.ts') });
await buildPage(`${dist}/src/http/page`);
process.stdout.write('built into dist/: start it with `pnpm start`\n');
