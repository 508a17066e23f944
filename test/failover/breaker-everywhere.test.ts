// Nobody is called around the breaker, at any stage and whatever befalls the others.
import { describe, expect, it } from 'vitest';
import type { Admission } from '../../src/failover/health.ts';
import { PROVIDER_ERROR_KINDS } from '../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { CHAINED, runStage, WORDS } from '../support/three-stages.ts';

/** Denies some whatever is known of them, and notes whom it admitted. */
class StrictBoard extends MemoryHealthBoard {
  readonly admitted: string[] = [];
  readonly #denied: readonly string[];

  constructor(clock: FakeClock, denied: readonly string[]) {
    super(DEFAULT_FAILOVER, clock);
    this.#denied = denied;
  }

  override peek(id: string): Admission | undefined {
    return this.#isDenied(id) ? undefined : super.peek(id);
  }

  override admit(id: string): Admission | undefined {
    if (this.#isDenied(id)) return undefined;
    this.admitted.push(id.split('/')[1] as string);
    return super.admit(id);
  }

  #isDenied(id: string): boolean {
    return this.#denied.includes(id.split('/')[1] as string);
  }
}

describe.each(CHAINED)('at %s', (stage) => {
  it.each(PROVIDER_ERROR_KINDS)('who is denied is not opened, though another fails by %s', async (kind) => {
    for (const when of ['before', 'midway'] as const) {
      const clock = new FakeClock();
      const board = new StrictBoard(clock, ['a']);
      const { opened, words } = await runStage(stage, clock, board, { b: { kind, when } });
      expect(words).toEqual(WORDS);
      expect(opened).not.toContain('a');
      // Everybody was let in first; a second chance is the one that the table gives.
      expect([...new Set(opened)]).toEqual([...new Set(board.admitted)]);
      expect(opened.length - board.admitted.length).toBeLessThanOrEqual(1);
    }
  });

  it('there is no second chance past a breaker that the failure opened', async () => {
    const clock = new FakeClock();
    const board = new MemoryHealthBoard(
      { ...DEFAULT_FAILOVER, breaker: { ...DEFAULT_FAILOVER.breaker, failures: 1 } },
      clock,
    );
    const { opened } = await runStage(stage, clock, board, { a: { kind: 'server', when: 'before' } });
    expect(opened).toEqual(['a', 'b']);
  });

  it('where all are denied, one alone is asked rather than that the caller hears nothing', async () => {
    const clock = new FakeClock();
    const { opened, words } = await runStage(stage, clock, new StrictBoard(clock, ['a', 'b', 'c']));
    expect(words).toEqual(WORDS);
    expect(opened).toEqual(['a']);
  });
});
