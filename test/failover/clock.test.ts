// Deadlines of vendors, in a process that is busy itself.
import { describe, expect, it } from 'vitest';
import { setDeadline } from '../../src/failover/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';

async function firedAt(clock: FakeClock, mostExtraMs?: number): Promise<() => number | undefined> {
  let atMs: number | undefined;
  setDeadline(
    clock,
    () => {
      atMs = clock.now();
    },
    100,
    mostExtraMs,
  );
  await clock.advance(0);
  return () => atMs;
}

describe('a deadline', () => {
  it('holds in a process that has time', async () => {
    const clock = new FakeClock();
    const fired = await firedAt(clock);
    await clock.advance(99);
    expect(fired()).toBeUndefined();
    await clock.advance(1);
    expect(fired()).toBe(100);
    expect(clock.pending).toBe(0);
  });

  it('waits once more for as long as the process was late', async () => {
    const clock = new FakeClock();
    const fired = await firedAt(clock);
    clock.block(180);
    await clock.advance(79);
    expect(fired()).toBeUndefined();
    await clock.advance(1);
    expect(fired()).toBe(260);
  });

  it('gives half a second at most, however long the process was busy', async () => {
    const clock = new FakeClock();
    const fired = await firedAt(clock);
    clock.block(10_000);
    await clock.advance(0);
    clock.block(400);
    await clock.advance(1_000);
    expect(fired()).toBe(10_500);
  });

  it('gives as little as is asked for, and nothing once it is cancelled', async () => {
    const clock = new FakeClock();
    const fired = await firedAt(clock, 1);
    clock.block(200);
    await clock.advance(1);
    expect(fired()).toBe(201);
    let ran = false;
    const cancel = setDeadline(
      clock,
      () => {
        ran = true;
      },
      100,
    );
    clock.block(300);
    await clock.advance(0);
    cancel();
    await clock.advance(1_000);
    expect([ran, clock.pending]).toEqual([false, 0]);
  });
});
