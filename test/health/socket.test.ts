// The board's socket in one process on a fake clock: grants, broken lines, a parent that hangs.
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/failover/health.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { connectHealthBoard, type HealthClient } from '../../src/health/client.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { serveHealthBoard } from '../../src/health/server.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

const id = 'llm/one';
const failed: Outcome = {
  type: 'failure',
  trial: false,
  failure: { kind: 'server', message: 'overloaded' },
  checkable: true,
};

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function setUp(clients = 1) {
  const clock = new FakeClock();
  const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
  const server = await serveHealthBoard({ board, clock });
  endings.push(() => server.close());
  const calls = Array.from({ length: clients }, () => connect(server.socketPath, clock));
  await Promise.all(calls.map((call) => call.ready()));
  return { clock, board, server, calls: calls as [HealthClient, ...HealthClient[]] };
}

function connect(socketPath: string, clock: FakeClock): HealthClient {
  const call = connectHealthBoard({ socketPath, clock, random: () => 0.5 });
  endings.push(() => call.close());
  return call;
}

/** A parent that does no more than this with each connection. */
async function serveRaw(accept: (socket: Socket) => void): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'health-'));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.resume());
    accept(socket);
  });
  await once(server.listen(join(folder, 'socket')), 'listening');
  endings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return join(folder, 'socket');
}

/** The provider failed and was checked: calls are trials now. */
async function suspect(board: MemoryHealthBoard, calls: readonly HealthClient[]) {
  board.report(id, failed);
  board.report(id, { type: 'check-passed' });
  await eventually('all know', () => calls.every((call) => call.health(id).suspect?.untilMs === 0));
}

const trialsOf = (board: MemoryHealthBoard) => board.health(id).suspect?.trials;

describe('a trial of a call process', () => {
  it('needs a grant, which comes in the background and is told', async () => {
    const { board, calls } = await setUp();
    const [call] = calls;
    await suspect(board, calls);
    let told = 0;
    call.onChange(() => {
      told += 1;
    });
    expect([call.peek(id), call.admit(id), call.peek(id)]).toEqual([undefined, undefined, undefined]);
    await eventually('the grant is told', () => told > 0);
    expect(trialsOf(board)).toBe(1);
    expect([call.peek(id), call.peek(id), call.admit(id)]).toEqual(['trial', 'trial', 'trial']);
    expect(call.admit(id)).toBeUndefined();
  });

  it('gives its place back with its outcome, and only once', async () => {
    const { board, calls } = await setUp();
    const [call] = calls;
    await suspect(board, calls);
    await eventually('a trial', () => call.admit(id) === 'trial');
    call.report(id, { type: 'release', trial: true });
    call.report(id, { type: 'release', trial: true });
    await eventually('it is back', () => trialsOf(board) === 0);
    await eventually('a trial', () => call.admit(id) === 'trial');
    expect(trialsOf(board)).toBe(1);
  });

  it('that is granted and not begun within a minute is given back', async () => {
    const { clock, board, calls } = await setUp();
    const [call] = calls;
    await suspect(board, calls);
    await eventually('a grant', () => call.peek(id) === 'trial');
    await clock.advance(59_999);
    expect(call.peek(id)).toBe('trial');
    await clock.advance(1);
    await eventually('it is back', () => trialsOf(board) === 0);
  });

  it('is asked for once, however often it is wished', async () => {
    const { board, calls } = await setUp(4);
    await suspect(board, calls);
    for (let times = 0; times < 50; times += 1) for (const call of calls) call.peek(id);
    await eventually('three are granted', () => calls.filter((call) => call.peek(id) === 'trial').length === 3);
    expect(trialsOf(board)).toBe(3);
  });

  it('comes back when its process closes', async () => {
    const { board, calls } = await setUp();
    const [call] = calls;
    await suspect(board, calls);
    await eventually('a trial', () => call.admit(id) === 'trial');
    call.close();
    await eventually('it is back', () => trialsOf(board) === 0);
  });
});

describe('the replica of a call process', () => {
  it('knows at once what it reports itself', async () => {
    const { board, calls } = await setUp();
    const [call] = calls;
    call.report(id, { ...failed, failure: { kind: 'auth', message: 'refused' } });
    expect(call.peek(id)).toBeUndefined();
    await eventually('the parent knows', () => board.peek(id) === undefined);
    expect(board.health(id).breaker).toEqual({ kind: 'open', untilMs: Number.POSITIVE_INFINITY });
  });

  it('hears of mere latencies once a second', async () => {
    const { clock, board, calls } = await setUp(2);
    const [one, two] = calls as [HealthClient, HealthClient];
    let changes = 0;
    two.onChange(() => {
      changes += 1;
    });
    for (let result = 0; result < 20; result += 1) {
      one.report(id, { type: 'success', trial: false, startedMs: clock.now(), firstMs: 200 });
    }
    await eventually('the parent has measured', () => board.health(id).first?.count === 20);
    expect(two.health(id).first).toBeUndefined();
    await clock.advance(1_000);
    await eventually('the other has heard', () => two.health(id).first !== undefined);
    expect(two.health(id).first).toMatchObject({ p50: 200, count: 20 });
    expect(changes).toBe(0);
  });

  it('goes on alone with a parent that takes connections and never answers', async () => {
    const clock = new FakeClock();
    const call = connect(await serveRaw(() => undefined), clock);
    let isReady = false;
    void call.ready().then(() => {
      isReady = true;
    });
    await clock.advance(249);
    expect(isReady).toBe(false);
    await clock.advance(1);
    expect(isReady).toBe(true);
    call.report(id, failed);
    call.report(id, { type: 'check-passed' });
    expect([1, 2, 3, 4].map(() => call.admit(id))).toEqual(['trial', 'trial', 'trial', undefined]);
  });

  it('goes on alone when a parent stops answering', async () => {
    const clock = new FakeClock();
    const call = connect(await serveRaw((socket) => socket.write('{"type":"synced"}\nno message\n')), clock);
    await call.ready();
    call.report(id, failed);
    call.report(id, { type: 'check-passed' });
    expect(call.admit(id)).toBeUndefined();
    await clock.advance(5_000);
    await eventually('it gave the parent up', () => !call.isConnected);
    expect(call.admit(id)).toBe('trial');
  });
});

describe('broken lines', () => {
  it('are counted and change nothing', async () => {
    const { board, server, calls } = await setUp();
    const raw = createConnection(server.socketPath);
    endings.push(() => raw.destroy());
    const report = { type: 'report', id, outcome: { type: 'check-failed', failure: { kind: 'no such', message: '' } } };
    raw.write('{"type":"hel\n');
    raw.write('null\n[]\n{"type":"unknown"}\n');
    raw.write(`${JSON.stringify(report)}\n`);
    raw.write(`{"type":"event","event":"${'x'.repeat(200_000)}","data":1}\n`);
    await eventually('six are counted', () => server.malformed === 6);
    expect(board.all().size).toBe(0);
    raw.write(
      `${JSON.stringify({ ...report, outcome: { type: 'check-failed', failure: { kind: 'auth', message: '' } } })}\n`,
    );
    await eventually('a good one is heard', () => board.peek(id) === undefined);
    await eventually('others go on', () => calls[0].peek(id) === undefined);
  });

  it('in pieces are put together', async () => {
    const { server } = await setUp();
    const events: unknown[] = [];
    server.onEvent((event, data) => events.push([event, data]));
    const raw = createConnection(server.socketPath);
    endings.push(() => raw.destroy());
    for (const byte of Buffer.from('{"type":"event","event":"é","data":{"ü":[1]}}\n')) {
      raw.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('it comes', () => events.length > 0);
    expect(events).toEqual([['é', { ü: [1] }]]);
  });

  it('are not sent: an event that is too long is refused', async () => {
    const { calls } = await setUp();
    expect(calls[0].send({ type: 'event', event: 'long', data: 'x'.repeat(70_000) })).toBe(false);
  });
});

describe('the socket', () => {
  it('takes the place of one that a killed parent left, but not of one in use', async () => {
    const { board, server } = await setUp();
    await expect(serveHealthBoard({ board, socketPath: server.socketPath })).rejects.toThrow('EADDRINUSE');

    const folder = mkdtempSync(join(tmpdir(), 'health-'));
    endings.push(() => rmSync(folder, { recursive: true, force: true }));
    const left = createServer();
    await once(left.listen(join(folder, 'before')), 'listening');
    // Under another name it outlives its server, as after a SIGKILL.
    renameSync(join(folder, 'before'), join(folder, 'left'));
    left.close();
    await once(left, 'close');
    const next = await serveHealthBoard({ board, socketPath: join(folder, 'left') });
    endings.push(() => next.close());
    const call = connect(next.socketPath, new FakeClock());
    await call.ready();
    expect(call.isConnected).toBe(true);
  });
});
