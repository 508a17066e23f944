// Order by load: who has the fewest attempts under way in all calls of the worker is asked first.
import { afterEach, expect, it } from 'vitest';
import { Failover, type FailoverLink } from '../../src/failover/failover.ts';
import { connectHealthBoard } from '../../src/health/client.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { serveHealthBoard } from '../../src/health/server.ts';
import { eventually } from '../support/eventually.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const links: FailoverLink[] = ['a', 'b'].map((id) => ({ id, traits: { languages: 'any' }, client: {}, priority: 0 }));

async function setUp() {
  const board = new MemoryHealthBoard();
  const server = await serveHealthBoard({ board });
  endings.push(() => server.close());
  const call = async () => {
    const client = connectHealthBoard({ socketPath: server.socketPath });
    endings.push(() => client.close());
    await eventually('the call is connected', () => client.isConnected);
    return { client, failover: new Failover('stt', links, { board: client, orderBy: 'load' }) };
  };
  return { board, call };
}

it('asks who has the least to do, counted over all calls', async () => {
  const { board, call } = await setUp();
  const first = await call();
  const second = await call();
  const begun = first.failover.next(new Set());
  const busy = `stt/${begun?.link.id}`;
  await eventually('the other call knows', () => second.client.load(busy) === 1);
  expect(board.load(busy)).toBe(1);
  for (let turn = 0; turn < 4; turn += 1) {
    const attempt = second.failover.next(new Set());
    expect(attempt?.link).not.toBe(begun?.link);
    attempt?.release();
  }
  // One that begins later knows it before its first turn.
  const third = await call();
  expect(third.failover.active).not.toBe(begun?.link);
  begun?.succeed();
  await eventually('it is over', () => [second, third].every(({ client }) => client.load(busy) === 0));
});

it('forgets what a call had under way that ended without a word', async () => {
  const { board, call } = await setUp();
  const [first, second] = [await call(), await call()];
  first.client.occupy('stt/a');
  await eventually('the other call knows', () => second.client.load('stt/a') === 1);
  first.client.close();
  await eventually('the other call knows of the end', () => second.client.load('stt/a') === 0);
  expect(board.load('stt/a')).toBe(0);
});

it('tells nobody where the order is another', async () => {
  const { board } = await setUp();
  const attempt = new Failover('stt', links, { board, orderBy: 'cost' }).next(new Set());
  expect(board.load(`stt/${attempt?.link.id}`)).toBe(0);
  attempt?.release();
});
