// A vendor's websocket: how it ends is told once, at once and in words that give nothing away.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { ProviderError } from '../../src/failover/provider-error.ts';
import { VendorSocket } from '../../src/vendors/vendor-socket.ts';

const servers: { readonly server: Server; readonly sockets: Set<Socket> }[] = [];
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server that does this with handshakes. */
async function start(upgrade: (socket: Socket, request: IncomingMessage, head: Buffer) => void): Promise<string> {
  const server = createServer();
  const sockets = new Set<Socket>();
  servers.push({ server, sockets });
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  server.on('upgrade', (request, socket, head) => upgrade(socket as Socket, request, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function startClosing(code: number, reason: string): Promise<string> {
  const websockets = new WebSocketServer({ noServer: true });
  return start((socket, request, head) =>
    websockets.handleUpgrade(request, socket, head, (websocket) => websocket.close(code, reason)),
  );
}

interface End {
  readonly error: ProviderError;
  readonly isClean: boolean;
}

function endOf(url: string, headers: Record<string, string> = {}): Promise<End> {
  return new Promise((resolve) => {
    new VendorSocket(
      {
        provider: 'someone',
        url,
        headers,
        kindOfWords: (words) => (words.includes('no credits') ? 'quota' : undefined),
      },
      { open: () => {}, text: () => {}, binary: () => {}, ended: (error, isClean) => resolve({ error, isClean }) },
    );
  });
}

function accept(socket: Socket, { headers }: IncomingMessage): void {
  const key = headers['sec-websocket-key'];
  const answer = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${answer}\r\n\r\n`,
  );
}

describe('the end of a vendor’s socket', () => {
  it('tells how long the connection had stood, and nothing of one that never stood', async () => {
    const { error } = await endOf(await startClosing(1000, ''));
    expect(error.stoodMs).toBeGreaterThanOrEqual(0);
    const refused = await endOf(await start((socket) => socket.destroy()));
    expect(refused.error.stoodMs).toBeUndefined();
  });

  it('is told by the status, the headers and the words of a refusal', async () => {
    const body = '{"error":"no credits left"}';
    const url = await start((socket) =>
      socket.end(`HTTP/1.1 429 Too Many\r\nretry-after: 3\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
    );
    const { error } = await endOf(url);
    expect(error).toMatchObject({ kind: 'quota', status: 429, retryAfterMs: 3000, provider: 'someone' });
    expect(error.message).toBe('someone: refused the connection (429)');
  });

  it('does not wait for the words of a refusal that never come', async () => {
    const url = await start((socket) => socket.write('HTTP/1.1 503 Busy\r\ncontent-length: 1000\r\n\r\n'));
    expect((await endOf(url)).error).toMatchObject({ kind: 'server', status: 503 });
  });

  it('is malformed where frames are none', async () => {
    const url = await start((socket, request) => {
      accept(socket, request);
      socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    });
    expect((await endOf(url)).error).toMatchObject({ kind: 'malformed' });
  });

  it('repeats codes of a reason, and no other words of it', async () => {
    const named = await endOf(await startClosing(1011, 'NET-0001'));
    expect(named).toMatchObject({ isClean: false, error: { kind: 'server', status: 1011 } });
    expect(named.error.message).toContain('NET-0001');
    const told = await endOf(await startClosing(1008, 'my number is 555, no credits'));
    expect(told.error).toMatchObject({ kind: 'quota', status: 1008 });
    expect(told.error.message).not.toContain('555');
    expect(await endOf(await startClosing(1000, ''))).toMatchObject({ isClean: true, error: { kind: 'unreachable' } });
  });

  it('is a request’s fault where address or headers can’t be sent, without the key', async () => {
    expect((await endOf('nowhere at all')).error).toMatchObject({ kind: 'invalid-request' });
    const { error } = await endOf('ws://127.0.0.1:9', { Authorization: 'Token dg-secret\n' });
    expect(error).toMatchObject({ kind: 'invalid-request' });
    expect(`${error.message} ${String(error.cause)}`).not.toContain('dg-secret');
  });

  it('is not told to whoever closed it, before or after it opened', async () => {
    const ends: unknown[] = [];
    const url = await start(accept);
    const events = { text: () => {}, binary: () => {}, ended: (error: unknown) => void ends.push(error) };
    const early = new VendorSocket({ provider: 'someone', url, headers: {} }, { ...events, open: () => {} });
    early.close();
    await new Promise<void>((resolve) => {
      const late = new VendorSocket(
        { provider: 'someone', url, headers: {} },
        {
          ...events,
          open: () => {
            late.close();
            expect(late.isOpen).toBe(false);
            late.send('nothing');
            setImmediate(resolve);
          },
        },
      );
    });
    expect(ends).toEqual([]);
  });
});
