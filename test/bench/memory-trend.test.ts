import { expect, it } from 'vitest';
import { growthPer100Calls, LEAST_SAMPLES } from './support/memory-trend.ts';

const samples = (count: number, megabytes: (calls: number) => number) =>
  Array.from({ length: count }, (_, calls) => ({ calls, megabytes: megabytes(calls) }));

it('tells how much memory grows with the calls, whatever the first ones took', () => {
  expect(growthPer100Calls(samples(200, (calls) => (calls < 20 ? calls : 50)))).toBeCloseTo(0);
  expect(growthPer100Calls(samples(200, (calls) => 50 + calls / 10 + (calls % 2)))).toBeCloseTo(10, 0);
});

it('tells no trend of a few calls', () => {
  expect(growthPer100Calls(samples(LEAST_SAMPLES, (calls) => calls))).toBeUndefined();
});
