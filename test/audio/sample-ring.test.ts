// The ring keeps the last samples, however they are written.
import { describe, expect, it } from 'vitest';
import { SampleRing } from '../../src/audio/sample-ring.ts';

const range = (from: number, to: number) => Int16Array.from({ length: to - from }, (_, i) => from + i);

describe('a ring of 10 samples', () => {
  it.each([1, 3, 10, 11, 25])('keeps the last ones, written %i at a time', (step) => {
    const ring = new SampleRing(10);
    for (let at = 0; at < 100; at += step) ring.write(range(at, at + step));
    const { written } = ring;
    expect([...ring.since(0)]).toEqual([...range(written - 10, written)]);
    expect([...ring.since(written - 4)]).toEqual([...range(written - 4, written)]);
    expect([...ring.since(written)]).toEqual([]);
    expect([...ring.since(written + 5)]).toEqual([]);
  });

  it('gives what there is before it is full', () => {
    const ring = new SampleRing(10);
    expect([...ring.since(0)]).toEqual([]);
    ring.write(range(0, 4));
    expect([...ring.since(0)]).toEqual([0, 1, 2, 3]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a capacity of %d', (capacity) => {
    expect(() => new SampleRing(capacity)).toThrow(RangeError);
  });
});
