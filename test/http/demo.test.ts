// The routes of the chains and of the demonstration: what they tell, and who may break a provider.
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { ChainReport, DemoAccess } from '../../src/http/deps.ts';
import type { PageAccess } from '../../src/http/leave.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const CHAINS: readonly ChainReport[] = [
  {
    stage: 'llm',
    providers: [
      { id: 'openrouter', title: 'OpenRouter', state: 'left-alone', cause: { kind: 'quota', status: 402 } },
      { id: 'local', title: 'Local', state: 'left-out', reason: 'LOCAL_LLM_BASE_URL not set' },
      { id: 'free-llm', title: 'Scripted', state: 'active' },
    ],
  },
];

function app({ hasDemo = true, access = { loopbackOnly: true } as PageAccess } = {}) {
  const done: string[] = [];
  const demo: DemoAccess = {
    vendors: ['openrouter', 'cartesia'],
    faultOf: (vendor) => (vendor === 'openrouter' ? 'quota' : undefined),
    fail: async (vendor, fault) => void done.push(`${vendor} ${fault}`),
  };
  const server = createApp({
    deps: {
      personas: [],
      createCall: () => Promise.reject(new Error('not asked for')),
      health: () => ({ live: true, ready: true, reasons: [] }),
      providers: () => CHAINS,
      ...(hasDemo && { demo }),
    },
    page: { html: '', assets: new Map() },
    log: createLogger({ level: 'silent' }),
    access,
  });
  const get = (path: string) => server.request(path, { headers: { Host: 'localhost:3000' } });
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    server.request('/api/demo/faults', {
      method: 'POST',
      headers: { Host: 'localhost:3000', 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  return { get, post, done };
}

const QUOTA = { vendor: 'cartesia', fault: 'quota' };

describe('GET /api/providers', () => {
  it('tells each chain in its order, demonstration or not', async () => {
    const response = await app({ hasDemo: false }).get('/api/providers');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ stages: CHAINS, isDemo: false });
    expect(await (await app().get('/api/providers')).json()).toEqual({ stages: CHAINS, isDemo: true });
  });
});

describe('the demonstration', () => {
  it('tells whom it can break, and what it did', async () => {
    expect(await (await app().get('/api/demo')).json()).toEqual({
      stages: [{ stage: 'llm', vendors: [{ id: 'openrouter', title: 'OpenRouter', fault: 'quota' }] }],
    });
  });

  it('breaks and mends vendors', async () => {
    const { post, done } = app();
    for (const fault of ['quota', 'time-out', 'drop', 'slow', 'mend']) {
      expect((await post({ vendor: 'cartesia', fault })).status).toBe(200);
    }
    expect(done).toEqual(['quota', 'time-out', 'drop', 'slow', 'mend'].map((fault) => `cartesia ${fault}`));
  });

  it.each([
    [{ vendor: 'nobody', fault: 'quota' }, 404],
    [{ vendor: 'cartesia', fault: 'explode' }, 400],
    [{ vendor: 'cartesia' }, 400],
    [{ ...QUOTA, more: 1 }, 400],
  ])('refuses %j', async (body, status) => {
    const { post, done } = app();
    expect((await post(body)).status).toBe(status);
    expect(done).toEqual([]);
  });

  it('obeys its own page on this machine only', async () => {
    const { post, done } = app();
    expect((await post(QUOTA, { Origin: 'http://localhost:3000' })).status).toBe(200);
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'https://talk.example.com' },
      { Host: 'evil.example:3000', Origin: 'http://evil.example:3000' },
    ]) {
      expect((await post(QUOTA, headers)).status).toBe(403);
    }
    expect((await post(QUOTA, { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect(done).toHaveLength(1);
  });

  it('is not there without --demo, nor where others reach the server', async () => {
    const publicUrl = new URL('https://talk.example.com');
    const reached: PageAccess[] = [{ loopbackOnly: false }, { loopbackOnly: true, publicUrl }];
    for (const change of [{ hasDemo: false }, ...reached.map((access) => ({ access }))]) {
      const { get, post, done } = app(change);
      expect((await get('/api/demo')).status).toBe(404);
      expect((await post(QUOTA)).status).toBe(404);
      expect(done).toEqual([]);
    }
  });
});
