// The shared board with real call processes: scenario 10 over processes, and what a killed process or parent changes.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/failover/health.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { joinRedis } from '../../src/health/redis.ts';
import { type HealthServer, serveHealthBoard } from '../../src/health/server.ts';
import { eventually } from '../support/eventually.ts';
import type { HealthCommand, HealthNews } from '../support/health-process.ts';
import { startRedis } from '../support/redis.ts';

const program = fileURLToPath(new URL('../support/health-process.ts', import.meta.url));
const id = 'tts/one';
const failed: Outcome = {
  type: 'failure',
  trial: false,
  failure: { kind: 'server', message: 'overloaded', status: 503 },
  checkable: true,
};

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

class CallProcess {
  readonly news: HealthNews[] = [];
  readonly child: ChildProcess;

  constructor(socketPath: string, firstId = 'llm/other') {
    this.child = fork(program, [socketPath, firstId]);
    this.child.on('message', (news: HealthNews) => this.news.push(news));
    endings.push(() => this.kill());
  }

  async ready(): Promise<Extract<HealthNews, { told: 'ready' }>> {
    await eventually('the call process is ready', () => this.all('ready').length > 0, 20_000);
    return this.all('ready')[0] as Extract<HealthNews, { told: 'ready' }>;
  }

  all<Told extends HealthNews['told']>(told: Told): Extract<HealthNews, { told: Told }>[] {
    return this.news.filter((news): news is Extract<HealthNews, { told: Told }> => news.told === told);
  }

  async run(command: HealthCommand): Promise<Extract<HealthNews, { told: 'done' }>> {
    const before = this.all('done').length;
    this.child.send(command);
    await eventually(`the answer to ${command.do}`, () => this.all('done').length > before);
    return this.all('done')[before] as Extract<HealthNews, { told: 'done' }>;
  }

  /** Asks until the parent has answered. */
  async admitSoon(): Promise<string> {
    await this.run({ do: 'peek', id });
    for (let times = 0; times < 40; times += 1) {
      const { result } = await this.run({ do: 'admit', id });
      if (result !== 'undefined') return result;
    }
    return 'undefined';
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

async function serve(options: { board?: MemoryHealthBoard; socketPath?: string } = {}) {
  const board = options.board ?? new MemoryHealthBoard();
  const server = await serveHealthBoard({ ...options, board });
  endings.push(() => server.close());
  return { board, server };
}

async function startThree(server: HealthServer): Promise<CallProcess[]> {
  const calls = [1, 2, 3].map(() => new CallProcess(server.socketPath));
  await Promise.all(calls.map((call) => call.ready()));
  return calls;
}

describe('three call processes on one board', () => {
  it('an outage that one meets is known to the others, and to one that starts later before its first call', async () => {
    const { server } = await serve();
    const [one, two, three] = (await startThree(server)) as [CallProcess, CallProcess, CallProcess];
    const { atMs } = await one.run({ do: 'report', id, outcome: failed });
    await eventually('the others know', () => [two, three].every((call) => call.all('change').length > 0), 500);
    const tookMs = [two, three].map((call) => (call.all('change')[0]?.atMs ?? 0) - atMs);
    process.stdout.write(`an outage was known to the other processes after ${tookMs.map((ms) => ms.toFixed(1))} ms\n`);
    expect(await Promise.all([two, three].map(async (call) => (await call.run({ do: 'admit', id })).result))).toEqual([
      'undefined',
      'undefined',
    ]);
    const later = await new CallProcess(server.socketPath, id).ready();
    process.stdout.write(`a process that starts later knew it ${later.tookMs.toFixed(1)} ms after it asked\n`);
    expect(later.firstAdmission).toBe('undefined');
  });

  it('a killed one changes nothing for the others and gives its trials back; never more than 3 trials at once', async () => {
    const { board, server } = await serve();
    const calls = await startThree(server);
    const four = new CallProcess(server.socketPath);
    await four.ready();
    board.report(id, failed);
    board.report(id, { type: 'check-passed' });
    await eventually('all know', () => [...calls, four].every((call) => call.all('change').length > 0));
    const trials = await Promise.all([...calls, four].map((call) => call.admitSoon()));
    expect(trials.toSorted()).toEqual(['trial', 'trial', 'trial', 'undefined']);
    expect(board.health(id).suspect?.trials).toBe(3);

    const holder = [...calls, four][trials.indexOf('trial')] as CallProcess;
    const without = [...calls, four][trials.indexOf('undefined')] as CallProcess;
    await holder.kill();
    await eventually('the trial is back', () => board.health(id).suspect?.trials === 2);
    expect(await without.admitSoon()).toBe('trial');
    expect(server.clients).toBe(3);

    await without.run({
      do: 'report',
      id,
      outcome: { type: 'success', trial: true, startedMs: performance.timeOrigin + performance.now() },
    });
    await eventually('it is well', () => board.peek(id) === 'ready');
    for (const call of [...calls, four].filter((call) => call !== holder)) {
      await eventually('all know that it is well', () => call.all('change').at(-1)?.failuresInRow === 0);
      expect((await call.run({ do: 'admit', id })).result).toBe('ready');
    }
  });

  it('go on when the parent is gone, and tell the next parent what they met meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'health-'));
    endings.push(async () => rmSync(folder, { recursive: true }));
    const socketPath = join(folder, 'socket');
    const { server } = await serve({ socketPath });
    const [one, two] = (await startThree(server)) as [CallProcess, CallProcess, CallProcess];
    await one.run({ do: 'report', id, outcome: failed });
    await eventually('the other knows', () => two.all('change').length > 0);
    await server.close();
    await eventually('both lost it', () => [one, two].every((call) => call.all('lost').length > 0));

    expect((await two.run({ do: 'admit', id })).result).toBe('undefined');
    expect((await two.run({ do: 'admit', id: 'stt/one' })).result).toBe('ready');
    await two.run({ do: 'report', id: 'stt/one', outcome: failed });
    await two.run({ do: 'report', id: 'stt/one', outcome: { type: 'check-passed' } });
    expect((await two.run({ do: 'admit', id: 'stt/one' })).result).toBe('trial');
    await two.run({ do: 'send', event: 'switch', data: 'while nobody listened' });

    const events: unknown[] = [];
    const next = await serve({ socketPath });
    next.server.onEvent((event) => events.push(event));
    await eventually('both are back', () => [one, two].every((call) => call.all('connected').length > 0), 15_000);
    await eventually('the event comes', () => events.length > 0);
    expect(events).toEqual(['switch']);
    expect(next.board.health('stt/one').lastFailure).toMatchObject({ kind: 'server', status: 503 });
    await eventually('the other knows', () => one.all('change').some((change) => change.id === 'stt/one'));
  });

  it('know what they knew, and tell each other what they meet, when the Redis beneath the board is killed', async () => {
    const redis = await startRedis();
    endings.push(() => redis.kill());
    const { board, server } = await serve();
    const redisHealth = await joinRedis({ url: redis.url, board, workerId: 'one', secret: 'of a test' });
    endings.push(() => redisHealth.close());
    await eventually('the board joined', () => redisHealth.isJoined);
    const [one, two, three] = (await startThree(server)) as [CallProcess, CallProcess, CallProcess];
    await one.run({ do: 'report', id, outcome: failed });
    await eventually('the others know', () => [two, three].every((call) => call.all('change').length > 0));

    await redis.kill();
    await eventually('the board noticed', () => !redisHealth.isJoined);
    expect((await two.run({ do: 'admit', id })).result).toBe('undefined');
    expect((await two.run({ do: 'admit', id: 'stt/one' })).result).toBe('ready');
    await two.run({ do: 'report', id: 'stt/one', outcome: failed });
    const knows = (call: CallProcess, about: string) => call.all('change').some((change) => change.id === about);
    await eventually('the others know that too', () => [one, three].every((call) => knows(call, 'stt/one')));
    expect((await three.run({ do: 'admit', id: 'stt/one' })).result).toBe('undefined');
    const later = await new CallProcess(server.socketPath, 'stt/one').ready();
    expect(later.firstAdmission).toBe('undefined');
    expect(server.clients).toBe(4);
    expect([one, two, three].flatMap((call) => call.all('lost'))).toEqual([]);
  });

  it('send other events beside', async () => {
    const { server } = await serve();
    const events: unknown[] = [];
    server.onEvent((event, data) => events.push([event, data]));
    const call = new CallProcess(server.socketPath);
    await call.ready();
    await call.run({ do: 'send', event: 'switch', data: 'from one to two' });
    await eventually('the event comes', () => events.length > 0);
    expect(events).toEqual([['switch', 'from one to two']]);
  });

  it('meet on a socket that only this user can reach', async () => {
    const { server } = await serve();
    expect(statSync(dirname(server.socketPath)).mode & 0o777).toBe(0o700);
  });
});
