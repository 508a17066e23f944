// How long a reply waits for the next model when one fails: on a fake clock, from the fault to the next one's first word.
import { describe, expect, it } from 'vitest';
import { Failover } from '../../../src/failover/failover.ts';
import { PROVIDER_ERROR_KINDS } from '../../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { replyOverChain } from '../../../src/llm/chain/chain.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type LlmScript, scriptedLlm } from '../../support/scripted-llm.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { HARD_FAILURES, MOST_EXTRA_MS, MOST_SWITCH_MS, percentile99, REFUSAL_MS } from '../../support/switch-times.ts';

const SEED = 20_261_122;
const FAULTS = 1_000;
const WORDS = Array.from({ length: 12 }, (_, index) => `w${index} `);
const WORD_MS = 20;

/** From the fault to the next word that the reader gets; the second model needs `ownMs` for its first. */
async function waitAfter({ firstMs = 50, after = 0, fault }: LlmScript, ownMs: number): Promise<number> {
  const clock = new FakeClock();
  const script = { firstMs, after, fault };
  const links = [
    scriptedLlm({ clock, id: 'a', words: WORDS, script: () => script }),
    scriptedLlm({ clock, id: 'b', words: WORDS, script: () => ({ firstMs: ownMs }) }),
  ];
  const failover = new Failover('llm', links, { clock, board: new MemoryHealthBoard(DEFAULT_FAILOVER, clock) });
  const { signal } = new AbortController();
  const request = { messages: [], tools: [], toolChoice: 'auto', language: 'en-US', signal } as const;
  const at: number[] = [];
  let text = '';
  const done = (async () => {
    for await (const part of replyOverChain(failover, request)) {
      if (part.type !== 'text') continue;
      at.push(clock.now());
      text += part.text;
    }
  })();
  await clock.advance(5_000);
  await done;
  expect(text).toBe(WORDS.join(''));
  // One that hangs from the beginning does so as soon as it is asked.
  const faultMs = fault === 'hang' && after === 0 ? 0 : firstMs + after * WORD_MS;
  return (at[after] as number) - faultMs;
}

describe('the wait for the next model', () => {
  it(`is within a second in 99 of 100 of ${FAULTS} random faults (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    const kinds = [...PROVIDER_ERROR_KINDS, 'hang', 'hang', 'throw-other'] as const;
    const times: number[] = [];
    for (let n = 0; n < FAULTS; n += 1) {
      const fault = kinds[Math.floor(random() * kinds.length)];
      const after = Math.floor(random() * WORDS.length);
      times.push(await waitAfter({ firstMs: 200 * random(), after, fault }, 50 + 100 * random()));
    }
    expect(percentile99('LLM', times)).toBeLessThanOrEqual(MOST_SWITCH_MS);
  });

  it.each(HARD_FAILURES)('is hardly more than its own time after a hard failure: $name', async ({ kind }) => {
    for (const after of [0, 5]) {
      const ms = await waitAfter({ firstMs: REFUSAL_MS, after, fault: kind }, 80);
      expect({ after, isQuick: ms - 80 <= MOST_EXTRA_MS, extraMs: ms - 80 }).toMatchObject({ isQuick: true });
    }
  });
});
