// A call's greatest length and its silences, on a fake clock.
import { expect, it } from 'vitest';
import { CallLength } from '../../src/call/call-length.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const told: string[] = [];
  const length = new CallLength({
    maxMs: 600_000,
    silenceMs: 60_000,
    clock,
    onSilent: () => void told.push('still there?'),
    onEnd: (reason) => void told.push(reason),
  });
  return { clock, told, length };
}

it('asks after a long silence, and ends the call after as long again', async () => {
  const { clock, told } = setUp();
  await clock.advance(59_999);
  expect(told).toEqual([]);
  await clock.advance(1);
  expect(told).toEqual(['still there?']);
  await clock.advance(60_000);
  expect(told).toEqual(['still there?', 'silence']);
  expect(clock.pending).toBe(0);
});

it('counts its own question as no answer', async () => {
  const { clock, told, length } = setUp();
  await clock.advance(60_000);
  length.busy();
  await clock.advance(2_000);
  length.quiet();
  await clock.advance(59_999);
  expect(told).toEqual(['still there?']);
  await clock.advance(1);
  expect(told.at(-1)).toBe('silence');
});

it('goes on when the caller says something, and asks anew after the next silence', async () => {
  const { clock, told, length } = setUp();
  await clock.advance(60_000);
  length.heard();
  length.quiet();
  await clock.advance(60_000);
  expect(told).toEqual(['still there?', 'still there?']);
});

it('is never silent while somebody speaks', async () => {
  const { clock, told, length } = setUp();
  length.busy();
  await clock.advance(500_000);
  expect(told).toEqual([]);
});

it('ends a call that is too long, whoever speaks, and once', async () => {
  const { clock, told, length } = setUp();
  length.busy();
  await clock.advance(600_000);
  length.quiet();
  await clock.advance(600_000);
  expect(told).toEqual(['length']);
});

it('leaves nothing behind', () => {
  const { clock, length } = setUp();
  length.close();
  length.quiet();
  expect(clock.pending).toBe(0);
});
