// An outage of a speech-to-speech vendor that one call meets is known to the next call before it asks; its end is noticed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HealthServer, MemoryHealthBoard, serveHealthBoard } from '../../src/index.ts';
import { LABELS, type RealtimeCall, type RealtimeCalls, startRealtimeCalls } from './support/realtime-calls.ts';
import { always } from './support/vendor-calls.ts';

describe('10. an outage of a speech-to-speech vendor', () => {
  const board = new MemoryHealthBoard();
  let health: HealthServer;
  let calls: RealtimeCalls;
  let call: RealtimeCall | undefined;
  beforeAll(async () => {
    health = await serveHealthBoard({ board });
    calls = await startRealtimeCalls({ HEALTH_SOCKET: health.socketPath });
  });
  afterAll(async () => {
    await call?.caller.leave();
    await calls?.stop();
    await health?.close();
  });

  const asked = () => calls.vendors.openai.requests.length;

  /** One call of one turn; resolves with how often the vendor was asked in it. */
  async function oneCall(): Promise<number> {
    const before = asked();
    call = await calls.join('openai', 'gemini');
    await call.expectAnswered(await call.say());
    call.expectUnharmed();
    await call.caller.leave();
    return asked() - before;
  }

  it('is met once; the next call makes no attempt; its end is used', async () => {
    calls.vendors.openai.faults.fail({ kind: 'status', status: 503 }, always);
    expect(await oneCall()).toBeGreaterThan(0);
    expect(await oneCall()).toBe(0);
    calls.mend();
    // As a free check does that passes.
    const id = [...board.all()].map(([known]) => known).find((known) => known.includes(LABELS.openai)) as string;
    board.report(id, { type: 'check-passed' });
    expect(await oneCall()).toBeGreaterThan(0);
    expect(calls.vendors.openai.sessions.length).toBeGreaterThan(0);
  });
});
