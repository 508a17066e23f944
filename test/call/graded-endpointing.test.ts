import { describe, expect, it } from 'vitest';
import { endpointingDelayMs } from '../../src/call/graded-endpointing.ts';

describe('endpointingDelayMs', () => {
  const delay = (probability: number) => endpointingDelayMs(probability, 200, 1_000);

  it('waits the minimum where the detector is sure', () => {
    expect(delay(1)).toBe(200);
    expect(delay(0.3)).toBe(200);
  });

  it('waits the maximum where the caller surely goes on', () => {
    expect(delay(0)).toBe(1_000);
    expect(delay(0.05)).toBe(1_000);
  });

  it('falls evenly in between', () => {
    expect(delay(0.175)).toBe(600);
    const falling = [0.06, 0.12, 0.18, 0.24, 0.29].map(delay);
    expect(falling).toEqual([...falling].sort((a, b) => b - a));
  });
});
