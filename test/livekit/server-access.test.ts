// A given server: what is wrong with its URL or keys is said in one line, without a key. The keys of a real server: test/rooms.
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { TokenVerifier } from 'livekit-server-sdk';
import { afterEach, describe, expect, it, test } from 'vitest';
import { accessServer, givenCredentials, refusePublishedKey } from '../../src/livekit/server-access.ts';
import { createLogger } from '../../src/telemetry/log.ts';

const secret = 'a-secret-for-tests-of-more-than-32-characters';
let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const address = started.address();
  return `ws://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

function access(url: string, signal = new AbortController().signal) {
  const env = { LIVEKIT_URL: url, LIVEKIT_API_KEY: 'testkey', LIVEKIT_API_SECRET: secret };
  return accessServer({ root: '/nowhere', env, log: createLogger({ level: 'silent' }), signal, timeoutMs: 1_000 });
}

test('uses the server that LIVEKIT_URL names when it takes the keys', async () => {
  const asked: string[] = [];
  const url = await serve(async (request, response) => {
    const claims = await new TokenVerifier('testkey', secret).verify(request.headers.authorization?.slice(7) ?? '');
    asked.push(`${request.url} ${claims.video?.roomList}`);
    response.setHeader('content-type', 'application/json').end('{"rooms":[]}');
  });
  expect(await access(url.replace('ws:', 'http:'))).toMatchObject({ url, apiKey: 'testkey', origin: 'given' });
  expect(asked).toEqual(['/twirp/livekit.RoomService/ListRooms true']);
});

test.each([
  [401, { code: 'unauthenticated', msg: 'invalid token: eyJhb, error: …' }, 'LIVEKIT_API_SECRET does not fit'],
  [401, { code: 'unauthenticated', msg: 'invalid API key: testkey' }, 'it does not know LIVEKIT_API_KEY'],
  [503, { code: 'unavailable', msg: 'x' }, 'answers with status 503'],
  [404, { code: 'bad_route', msg: 'x' }, 'no LiveKit server answers at'],
])('status %i with %o', async (status, body, message) => {
  const url = await serve((_, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
  );
  const error = await access(url).catch((caught: Error) => caught);
  expect(error).toMatchObject({ name: 'UserError', message: expect.stringContaining(message) });
  expect(String(error)).not.toMatch(/eyJhb|testkey|\n/);
});

test('a web server that is no LiveKit server', async () => {
  const url = await serve((_, response) => response.end('<html>'));
  await expect(access(url)).rejects.toThrow(`no LiveKit server answers at ${url}`);
});

test('a server that never answers', async () => {
  await expect(access(await serve(() => undefined))).rejects.toThrow('cannot be reached: no answer within 1 s');
});

test('nothing listens there', async () => {
  const url = await serve(() => undefined);
  await new Promise((resolve) => server?.close(resolve));
  await expect(access(url)).rejects.toThrow(`the LiveKit server at ${url} cannot be reached: ECONNREFUSED`);
});

test('an abort ends the check', async () => {
  const abort = new AbortController();
  const url = await serve(() => abort.abort());
  await expect(access(url, abort.signal)).rejects.toMatchObject({ name: 'AbortError' });
});

test('an open way across the internet is refused, unless that is wanted', () => {
  const keys = { LIVEKIT_API_KEY: 'k', LIVEKIT_API_SECRET: 's' };
  const open = { ...keys, LIVEKIT_URL: 'ws://livekit.example.com' };
  expect(() => givenCredentials(open)).toThrow('for anybody to read');
  expect(givenCredentials({ ...open, ALLOW_HTTP: 'true' })).toMatchObject({ url: 'ws://livekit.example.com' });
  expect(givenCredentials({ ...keys, LIVEKIT_URL: 'http://10.0.0.7:7880' })).toMatchObject({
    url: 'ws://10.0.0.7:7880',
  });
});

test.each(['localhost:7880', 'ftp://host', 'wss://', 'nonsense'])('LIVEKIT_URL=%s is none', (url) => {
  expect(() => givenCredentials({ LIVEKIT_URL: url })).toThrow(`got "${url}"`);
});

test('names the key that is missing', () => {
  const env = { LIVEKIT_URL: 'wss://host' };
  expect(() => givenCredentials(env)).toThrow('LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not');
  expect(() => givenCredentials({ ...env, LIVEKIT_API_KEY: 'k' })).toThrow('but LIVEKIT_API_SECRET is not');
  expect(givenCredentials({})).toBeUndefined();
});

describe('a published key', () => {
  const server = { url: 'ws://127.0.0.1:7880', apiKey: 'devkey' };

  it.each(['secret', 'development-only-secret-of-this-repository'])(
    'is refused where others reach the page: %s',
    (apiSecret) => {
      expect(() => refusePublishedKey({ ...server, apiSecret })).toThrow('the LiveKit key "devkey" is a published one');
    },
  );

  it('is one of those that stand in this repository', () => {
    const shipped = readFileSync(new URL('../../livekit.yaml', import.meta.url), 'utf8');
    const apiSecret = /^ {2}devkey: (\S+)$/m.exec(shipped)?.[1] as string;
    expect(() => refusePublishedKey({ ...server, apiSecret })).toThrow('published');
  });

  it('is not anybody’s own', () => {
    expect(() => refusePublishedKey({ ...server, apiSecret: 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4' })).not.toThrow();
  });
});
