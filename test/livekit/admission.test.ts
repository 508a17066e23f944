// Places for calls: taken before they are needed, given back when they are not.
import type { JobRequest } from '@livekit/agents';
import { expect, it } from 'vitest';
import { Admission } from '../../src/livekit/admission.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

function setUp(maxCalls = 10) {
  const clock = new FakeClock();
  let running = 0;
  const refused: string[] = [];
  const assigned: (() => void)[] = [];
  const admission = new Admission({
    maxCalls,
    running: () => running,
    clock,
    onRefused: (room) => void refused.push(room),
  });
  const offer = (room: string) =>
    admission.request({
      room: { name: room },
      reject: async () => undefined,
      accept: () =>
        new Promise<void>((resolve) => {
          assigned.push(() => {
            running += 1;
            resolve();
          });
        }),
    } as unknown as JobRequest);
  const ended = () => {
    running -= 1;
  };
  return { clock, admission, refused, assigned, offer, ended };
}

it('gives 30 calls at once 10 places and 20 refusals', async () => {
  const { admission, refused, assigned, offer, ended } = setUp();
  const offers = Array.from({ length: 30 }, (_, place) => offer(`room-${place}`));
  await settle();
  expect([assigned.length, refused.length, admission.isFull]).toEqual([10, 20, true]);
  for (const assign of assigned) assign();
  await Promise.all(offers);
  expect(admission.isFull).toBe(true);
  ended();
  expect(admission.isFull).toBe(false);
});

it('keeps a place for who was let in, who takes it and no other', async () => {
  const { admission, assigned, offer, refused } = setUp(1);
  expect([admission.expect('mine'), admission.expect('other')]).toEqual([true, false]);
  const [mine] = [offer('mine'), offer('other')];
  await settle();
  expect([assigned.length, refused]).toEqual([1, ['other']]);
  assigned[0]?.();
  await mine;
  expect(admission.isFull).toBe(true);
});

it('gives the place of who never came to the next', async () => {
  const { admission, clock } = setUp(1);
  admission.expect('mine');
  await clock.advance(15_000);
  expect(admission.expect('other')).toBe(true);
});

it('gives back a place that the server never assigned', async () => {
  const { admission, clock, offer } = setUp(1);
  void offer('mine');
  await clock.advance(119_999);
  expect(admission.isFull).toBe(true);
  await clock.advance(1);
  expect(admission.isFull).toBe(false);
});
