// The server on a real socket, with the real page: where it listens, what it says when it can't, and that it closes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { buildPage } from '../../src/http/bundle-page.ts';
import { readPage } from '../../src/http/page-files.ts';
import { type HttpServer, startHttp } from '../../src/http/server.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const deps = {
  personas: [],
  createCall: () => Promise.reject(new Error('not asked for here')),
  health: () => ({ live: true as const, ready: true, reasons: [] }),
  providers: () => [],
};
const log = createLogger({ level: 'silent' });
const open: HttpServer[] = [];

async function start(port = 0, host?: string) {
  const server = await startHttp({ port, deps, log, ...(host && { host }) });
  open.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

it('serves the page with everything that it names', async () => {
  const { url } = await start();
  const html = await (await fetch(url)).text();
  const named = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
  expect(named).toHaveLength(4);
  expect(html).not.toMatch(/"\.\//);
  for (const path of named) expect((await fetch(`${url}${path}`)).status).toBe(200);
});

it('names the port that is taken, who holds it, and how to choose another', async () => {
  const port = Number(new URL((await start()).url).port);
  await expect(start(port)).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining(`port ${port} is in use`),
    fix: expect.stringContaining(`--port ${port + 1}`),
  });
  if (process.platform === 'linux') {
    await expect(start(port)).rejects.toThrow(`(process ${process.pid})`);
  }
});

it('says that an address is not of this machine', async () => {
  await expect(start(0, '192.0.2.1')).rejects.toThrow('192.0.2.1 is no address of this machine');
});

it('closes while a browser keeps its connection open', async () => {
  const server = await startHttp({ port: 0, deps, log });
  await fetch(`${server.url}/health/live`, { headers: { Connection: 'keep-alive' } });
  await server.close();
  await expect(fetch(`${server.url}/health/live`)).rejects.toThrow();
});

it('is built for production into files that it reads back, without the sources', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-page-'));
  try {
    await buildPage(directory);
    const page = readPage(directory);
    const names = [...page.assets.keys()];
    expect(names.map((name) => name.replace(/-[^.]+/, ''))).toEqual(
      expect.arrayContaining(['main.js', 'theme.js', 'style.css', 'favicon.svg']),
    );
    for (const name of names) expect(page.html).toContain(`/assets/${name}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

it('says when the page was never built', () => {
  expect(() => readPage('/nowhere')).toThrow('the talk page is not in /nowhere');
});
