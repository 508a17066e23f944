// The talk page where others reach it: who may call whom, and how often.
import { describe, expect, it } from 'vitest';
import type { CallRequest } from '../../src/config/call-request.ts';
import { createApp } from '../../src/http/app.ts';
import type { PersonaSummary } from '../../src/http/deps.ts';
import { type PageAccess, pageAccess, signLeave } from '../../src/http/leave.ts';
import { readLeave } from '../../src/http/page/link.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const TOKEN = 'a-token-of-the-operator';
const PUBLIC_URL = 'https://talk.example.com';
const HOUR_MS = 3_600_000;

const persona = (id: string, more: Partial<PersonaSummary> = {}): PersonaSummary => ({
  id,
  title: id,
  description: id,
  languages: ['en-US'],
  isDefault: false,
  mode: 'pipeline',
  ...more,
});
const PERSONAS = [
  persona('internal', { isDefault: true }),
  persona('sales', { publicModes: ['pipeline'] }),
  persona('support', { mode: 'speech-to-speech', publicModes: ['pipeline'] }),
];

function setUp(access: PageAccess) {
  const created: CallRequest[] = [];
  const server = createApp({
    deps: {
      personas: PERSONAS,
      health: () => ({ live: true, ready: true, reasons: [] }),
      providers: () => [],
      createCall: async (request) => {
        created.push(request);
        return { url: 'wss://livekit.example.com', token: 'a.b.c', room: 'room', identity: 'caller' };
      },
    },
    page: { html: '', assets: new Map() },
    log: createLogger({ level: 'silent' }),
    access,
  });
  const headersFor = (more: Record<string, string>) => ({ Host: 'talk.example.com', ...more });
  return {
    created,
    get: (path: string, headers: Record<string, string> = {}) => server.request(path, { headers: headersFor(headers) }),
    call: async (body: unknown, headers: Record<string, string> = {}) =>
      server.request('/api/calls', {
        method: 'POST',
        headers: headersFor({ 'Content-Type': 'application/json', ...headers }),
        body: JSON.stringify(body),
      }),
  };
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const open: PageAccess = { loopbackOnly: true, publicUrl: new URL(PUBLIC_URL) };
const invited: PageAccess = { ...open, token: TOKEN };

describe('a talk page that anybody reaches', () => {
  it('shows and calls public personas only, in their public modes', async () => {
    const { get, call, created } = setUp(open);
    const { personas } = (await (await get('/api/personas')).json()) as { personas: PersonaSummary[] };
    expect(personas.map(({ id, isDefault }) => [id, isDefault])).toEqual([
      ['sales', true],
      ['support', false],
    ]);
    expect((await call({})).status).toBe(201);
    expect((await call({ persona: 'support', mode: 'pipeline' })).status).toBe(201);
    expect(created).toEqual([{ persona: 'sales' }, { persona: 'support', mode: 'pipeline' }]);
    expect((await call({ persona: 'internal' })).status).toBe(404);
    expect((await call({ persona: 'support' })).status).toBe(403);
    expect((await call({ persona: 'sales', mode: 'speech-to-speech' })).status).toBe(403);
    expect(created).toHaveLength(2);
  });

  it('hands out no token for a room that somebody else may be in', async () => {
    const { call, created } = setUp(open);
    const response = await call({ room: 'talk-of-others' });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('a room of your own choice');
    expect(created).toEqual([]);
  });

  it('serves pages of its own address only', async () => {
    const { call } = setUp(open);
    expect((await call({}, { Origin: PUBLIC_URL })).status).toBe(201);
    expect((await call({}, { Host: '127.0.0.1:3000', Origin: PUBLIC_URL })).status).toBe(201);
    for (const origin of ['https://evil.example', 'http://talk.example.com', 'null', 'http://127.0.0.1:3000']) {
      expect((await call({}, { Origin: origin })).status).toBe(403);
    }
    expect((await call({}, { Host: 'evil.example', Origin: 'https://evil.example' })).status).toBe(403);
  });

  it('gives one address ten calls a minute, and others theirs', async () => {
    const { call, created } = setUp(open);
    const from = (address: string) => call({}, { 'X-Forwarded-For': `10.9.9.9, ${address}` });
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await from('203.0.113.5')).status));
    expect(statuses.filter((status) => status === 201)).toHaveLength(10);
    const refused = await from('203.0.113.5');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await from('203.0.113.6')).status).toBe(201);
    expect(created).toHaveLength(11);
  });

  it('stops a flood of requests before it reads them', async () => {
    const { get } = setUp(open);
    const statuses: number[] = [];
    for (let asked = 0; asked < 320; asked += 1) statuses.push((await get('/api/providers')).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(300);
    expect((await get('/health/live')).status).toBe(200);
  });
});

describe('a talk page by invitation', () => {
  it('answers nobody without a leave, and tells nothing of it', async () => {
    const { get, call, created } = setUp(invited);
    const wrong = [{}, bearer('x'.repeat(23)), bearer(`${TOKEN}x`), { Authorization: `Basic ${btoa(`x:${TOKEN}`)}` }];
    for (const headers of wrong) {
      for (const path of ['/api/personas', '/api/providers']) expect((await get(path, headers)).status).toBe(401);
      const response = await call({}, headers);
      expect(response.status).toBe(401);
      expect(await response.text()).not.toContain(TOKEN);
    }
    expect(created).toEqual([]);
  });

  it('lets the operator’s programs call anybody, in any room, as often as they need', async () => {
    const { call, created } = setUp(invited);
    for (let calls = 0; calls < 20; calls += 1) {
      expect((await call({ persona: 'internal', room: 'mine' }, bearer(TOKEN))).status).toBe(201);
    }
    expect(created).toHaveLength(20);
  });

  it('lets who has a signed link call what is public, until it ends', async () => {
    const { get, call } = setUp(invited);
    const leave = signLeave(TOKEN, Date.now() + HOUR_MS);
    expect(readLeave(`#leave=${leave}`)).toBe(leave);
    expect((await get('/api/personas', bearer(leave))).status).toBe(200);
    expect((await call({ persona: 'sales' }, bearer(leave))).status).toBe(201);
    expect((await call({ persona: 'internal' }, bearer(leave))).status).toBe(404);
    expect((await call({ room: 'mine' }, bearer(leave))).status).toBe(403);
    const [until, signature] = leave.split('.');
    for (const forged of [
      signLeave(TOKEN, Date.now() - 1_000),
      signLeave('another-token-of-16', Date.now() + HOUR_MS),
      `${Number(until) + 1}.${signature}`,
      `1e300.${signature}`,
      `${until}.`,
    ]) {
      expect((await call({}, bearer(forged))).status).toBe(401);
    }
  });
});

describe('pageAccess', () => {
  it('is this machine alone where nothing is set', () => {
    expect(pageAccess('127.0.0.1', {})).toEqual({ loopbackOnly: true, token: undefined, publicUrl: undefined });
  });

  it.each([
    ['0.0.0.0', {}, 'others could reach the talk page'],
    ['192.168.1.20', {}, 'others could reach the talk page'],
    ['127.0.0.1', { HTTP_TOKEN: 'short' }, 'at least 16 characters, got 5'],
    ['127.0.0.1', { PUBLIC_URL: 'talk.example.com' }, 'must be the https:// address'],
    ['127.0.0.1', { PUBLIC_URL: 'http://talk.example.com' }, 'must be the https:// address'],
    ['127.0.0.1', { PUBLIC_URL: 'https://talk.example.com/page' }, 'must be the https:// address'],
  ])('refuses %s with %j, and says the way out', (host, env, message) => {
    let caught: unknown;
    try {
      pageAccess(host, env);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ name: 'UserError', message: expect.stringContaining(message) });
    expect((caught as { fix: string }).fix).not.toBe('');
  });

  it('listens elsewhere with a token or a public address', () => {
    expect(pageAccess('0.0.0.0', { HTTP_TOKEN: TOKEN })).toMatchObject({ loopbackOnly: false, token: TOKEN });
    expect(pageAccess('0.0.0.0', { PUBLIC_URL }).publicUrl?.host).toBe('talk.example.com');
  });
});
