// The routes, asked in process: what they answer, and whom they refuse.
import { describe, expect, it } from 'vitest';
import type { CallRequest } from '../../src/config/call-request.ts';
import { UserError } from '../../src/config/user-error.ts';
import { createApp } from '../../src/http/app.ts';
import { type Page, toAsset } from '../../src/http/asset.ts';
import type { HttpDeps } from '../../src/http/deps.ts';
import type { PageAccess } from '../../src/http/leave.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const SALES = {
  id: 'sales',
  title: 'Sales',
  description: 'Plans',
  languages: ['en-US', 'en-GB'],
  isDefault: true,
  mode: 'pipeline' as const,
  publicModes: ['pipeline' as const],
};
const page: Page = {
  html: '<!doctype html><title>talk</title>',
  assets: new Map([['main-AB12.js', toAsset('main-AB12.js', Buffer.from('console.log("hello");'.repeat(40)))]]),
};

function app(change: Partial<HttpDeps> = {}, access: PageAccess = { loopbackOnly: true }) {
  const requests: CallRequest[] = [];
  const deps: HttpDeps = {
    personas: [SALES],
    livekitUrl: 'ws://127.0.0.1:7880',
    health: () => ({ live: true, ready: true, reasons: [] }),
    providers: () => [],
    createCall: async (request) => {
      requests.push(request);
      return { url: 'ws://127.0.0.1:7880', token: 'a.b.c', room: 'room-1', identity: 'caller-1' };
    },
    ...change,
  };
  return { requests, server: createApp({ deps, page, log: createLogger({ level: 'silent' }), access }) };
}

function post(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { Host: 'localhost:3000', 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

describe('the page', () => {
  it('comes with a policy that lets it reach itself and the LiveKit server only', async () => {
    const response = await app().server.request('/');
    expect(await response.text()).toBe(page.html);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self' ws://127.0.0.1:7880 http://127.0.0.1:7880;");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('may follow LiveKit Cloud to its regions', async () => {
    const response = await app({ livekitUrl: 'wss://mine.livekit.cloud' }).server.request('/');
    expect(response.headers.get('content-security-policy')).toContain('wss://*.livekit.cloud');
  });

  it('finds its assets, packed for those who unpack', async () => {
    const { server } = app();
    const plain = await server.request('/assets/main-AB12.js');
    expect(plain.headers.get('content-type')).toContain('text/javascript');
    expect(plain.headers.get('cache-control')).toContain('immutable');
    const packed = await server.request('/assets/main-AB12.js', { headers: { 'Accept-Encoding': 'gzip, br' } });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect((await packed.arrayBuffer()).byteLength).toBeLessThan((await plain.arrayBuffer()).byteLength);
  });

  it('says in JSON that something is not there', async () => {
    for (const path of ['/assets/other.js', '/assets/..%2f..%2fpackage.json', '/nothing']) {
      const response = await app().server.request(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { fix: 'the talk page is at /' } });
    }
  });
});

describe('POST /api/calls', () => {
  it('gives access to a room and passes on what was chosen', async () => {
    const { server, requests } = app();
    const response = await server.request(
      '/api/calls',
      post({ persona: 'sales', mode: 'speech-to-speech', language: 'en-GB', name: ' Ada ' }),
    );
    expect(response.status).toBe(201);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({ room: 'room-1', token: 'a.b.c' });
    expect(requests).toEqual([{ persona: 'sales', mode: 'speech-to-speech', language: 'en-GB', name: 'Ada' }]);
  });

  it('takes an empty choice for the defaults', async () => {
    const { server, requests } = app();
    expect((await server.request('/api/calls', post({}))).status).toBe(201);
    expect(requests).toEqual([{}]);
  });

  it.each([
    [{ persona: 'nobody' }, 404, 'there is no persona "nobody"'],
    [{ language: 'fr-FR' }, 400, '"sales" does not speak "fr-FR"'],
    [{ language: 'English, please' }, 400, 'language: must be a BCP 47 tag'],
    [{ name: 'a\u0000b' }, 400, 'name: must be printable'],
    [{ room: 'a room' }, 400, 'room: must be'],
    [{ admin: true }, 400, 'admin'],
    ['{', 400, 'expected object'],
  ])('refuses %j with the reason', async (body, status, message) => {
    const { server, requests } = app();
    const response = await server.request('/api/calls', post(body));
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: { message: string; fix: string } };
    expect(error.message).toContain(message);
    expect(error.fix).not.toBe('');
    expect(requests).toEqual([]);
  });

  it('refuses a form, which another page could send unasked', async () => {
    const response = await app().server.request('/api/calls', post('persona=sales', { 'Content-Type': 'text/plain' }));
    expect(response.status).toBe(415);
  });

  it('refuses a body that is too large', async () => {
    const response = await app().server.request('/api/calls', post({ name: 'x'.repeat(10_000) }));
    expect(response.status).toBe(413);
  });

  it('serves its own page, and no page of others', async () => {
    const { server, requests } = app();
    expect((await server.request('/api/calls', post({}, { Origin: 'http://localhost:3000' }))).status).toBe(201);
    for (const origin of ['https://evil.example', 'http://localhost:4000', 'null']) {
      expect((await server.request('/api/calls', post({}, { Origin: origin }))).status).toBe(403);
    }
    expect(requests).toHaveLength(1);
  });

  it('is not fooled by a foreign name that leads to this machine', async () => {
    const rebound = post({}, { Host: 'evil.example:3000', Origin: 'http://evil.example:3000' });
    expect((await app().server.request('/api/calls', rebound)).status).toBe(403);
    // Bound to every address it is meant to be reached by names, which can't be known here.
    expect((await app({}, { loopbackOnly: false }).server.request('/api/calls', rebound)).status).toBe(201);
  });

  it('shows the words of an error that can be mended, and none of a defect', async () => {
    const mendable = app({ createCall: () => Promise.reject(new UserError('LiveKit is not reachable', 'start it')) });
    const first = await mendable.server.request('/api/calls', post({}));
    expect(first.status).toBe(503);
    expect(await first.json()).toEqual({ error: { message: 'LiveKit is not reachable', fix: 'start it' } });

    const broken = app({ createCall: () => Promise.reject(new TypeError('secret detail')) });
    const second = await broken.server.request('/api/calls', post({}));
    expect(second.status).toBe(500);
    expect(await second.text()).not.toContain('secret');
  });
});

describe('the other routes', () => {
  it('GET /api/personas tells who can be talked to', async () => {
    const response = await app().server.request('/api/personas', { headers: { Host: 'localhost:3000' } });
    expect(await response.json()).toEqual({ personas: [SALES] });
  });

  it('GET /health tells life and readiness', async () => {
    const reasons = ['the LiveKit server is starting'];
    const { server } = app({ health: () => ({ live: true, ready: false, reasons }) });
    expect((await server.request('/health/live')).status).toBe(200);
    const ready = await server.request('/health/ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ ready: false, reasons });
    expect((await app().server.request('/health/ready')).status).toBe(200);
  });
});
