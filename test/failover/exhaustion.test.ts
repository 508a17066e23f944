// When nobody is left, and when somebody is again: told once for each outage's end.
import { describe, expect, it } from 'vitest';
import { Failover, type FailoverLink } from '../../src/failover/failover.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { FakeClock } from '../support/fake-clock.ts';

const link = (id: string): FailoverLink => ({ id, traits: { languages: 'any' }, client: {} });
const error = new ProviderError({ kind: 'server', provider: 'a', message: 'a failed' });

describe('an exhausted chain', () => {
  it('has recovered with the first result of anybody, also of the one that served before', () => {
    const told: string[] = [];
    const links = [link('a'), link('b')] as const;
    const failover = new Failover('llm', links, {
      clock: new FakeClock(),
      board: new MemoryHealthBoard(),
      onExhausted: (stage, { kind }) => told.push(`${stage} exhausted: ${kind}`),
      onRecovered: (stage, provider) => told.push(`${stage} recovered: ${provider}`),
    });
    failover.serves(links[0]);
    expect(failover.isExhausted).toBe(false);
    failover.exhausted(error);
    expect(failover.isExhausted).toBe(true);
    failover.serves(links[0]);
    failover.serves(links[1]);
    expect(failover.isExhausted).toBe(false);
    expect(told).toEqual(['llm exhausted: server', 'llm recovered: a']);
  });
});
