// Places for calls: taken before they are needed, given back when they are not.
import type { JobRequest } from '@livekit/agents';
import { expect, it } from 'vitest';
import { Admission } from '../../src/livekit/admission.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp(maxCalls = 10) {
  const clock = new FakeClock();
  const running: { jobId: string; room: string }[] = [];
  const refused: string[] = [];
  const accepted: string[] = [];
  const admission = new Admission({
    maxCalls,
    running: () => running,
    clock,
    onRefused: (room) => void refused.push(room),
  });
  const offer = (room: string) =>
    admission.request({
      id: `job of ${room}`,
      room: { name: room },
      reject: async () => undefined,
      // As LiveKit's: it resolves long before the call has a process.
      accept: async () => void accepted.push(room),
    } as unknown as JobRequest);
  const starts = (room: string) => void running.push({ jobId: `job of ${room}`, room });
  const ends = (room: string) =>
    void running.splice(
      running.findIndex((call) => call.room === room),
      1,
    );
  return { clock, admission, refused, accepted, offer, starts, ends };
}

it('gives 30 calls at once 10 places and 20 refusals', async () => {
  const { admission, refused, accepted, offer, starts, ends } = setUp();
  await Promise.all(Array.from({ length: 30 }, (_, place) => offer(`room-${place}`)));
  expect([accepted.length, refused.length, admission.isFull]).toEqual([10, 20, true]);
  for (const room of accepted) {
    starts(room);
    expect(admission.isFull).toBe(true);
  }
  ends('room-0');
  expect(admission.isFull).toBe(false);
});

it('keeps a place for who was let in, who takes it and no other', async () => {
  const { admission, accepted, offer, refused, starts } = setUp(1);
  expect([admission.expect('mine'), admission.expect('other')]).toEqual([true, false]);
  await Promise.all([offer('mine'), offer('other')]);
  expect([accepted, refused]).toEqual([['mine'], ['other']]);
  starts('mine');
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
  await offer('mine');
  await clock.advance(119_999);
  expect(admission.isFull).toBe(true);
  await clock.advance(1);
  expect(admission.isFull).toBe(false);
});

it('sees a call that is over before anybody asks, and takes a job again that is offered twice', async () => {
  const { admission, accepted, refused, clock, offer, starts, ends } = setUp(1);
  await offer('short');
  starts('short');
  await clock.advance(250);
  ends('short');
  expect(admission.isFull).toBe(false);
  await offer('again');
  await offer('again');
  expect([accepted, refused]).toEqual([['short', 'again', 'again'], []]);
  expect(admission.isFull).toBe(true);
});

it('lets a second caller into a room whose call runs, though all places are taken', async () => {
  const { admission, offer, starts } = setUp(1);
  await offer('mine');
  starts('mine');
  expect([admission.expect('mine'), admission.expect('other')]).toEqual([true, false]);
});

it('goes on being offered calls while places are only kept for callers with tokens', async () => {
  const { admission, offer, accepted } = setUp(2);
  expect([admission.expect('mine'), admission.expect('yours')]).toEqual([true, true]);
  expect([admission.isFull, admission.hasAllCalls]).toEqual([true, false]);
  await Promise.all([offer('mine'), offer('yours')]);
  expect([accepted, admission.hasAllCalls]).toEqual([['mine', 'yours'], true]);
});
