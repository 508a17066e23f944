// 10,000 replies over a chain, every fifth with a failure: nothing of them is kept.
import { expect, it } from 'vitest';
import { Failover } from '../../../src/failover/failover.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { replyOverChain } from '../../../src/llm/chain/chain.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { scriptedLlm } from '../../support/scripted-llm.ts';
import { usedHeapMb } from '../../support/used-heap.ts';

const TURNS = 10_000;

it(`does not grow over ${TURNS} turns`, { timeout: 120_000 }, async () => {
  const clock = new FakeClock();
  const words = ['One ', 'two ', 'three.'];
  const links = [
    scriptedLlm({ clock, id: 'a', words, script: (call) => (call % 5 === 0 ? { fault: 'malformed', after: 1 } : {}) }),
    scriptedLlm({ clock, id: 'b', words, script: () => ({}) }),
  ];
  const settings = { ...DEFAULT_FAILOVER, uncheckedMs: 100 };
  const failover = new Failover('llm', links, { clock, settings, board: new MemoryHealthBoard(settings, clock) });
  const { signal } = new AbortController();
  let replies = 0;
  const talk = async (turns: number) => {
    for (let turn = 0; turn < turns; turn += 1) {
      const done = (async () => {
        let text = '';
        for await (const part of replyOverChain(failover, {
          messages: [],
          tools: [],
          toolChoice: 'auto',
          language: 'en-US',
          signal,
        })) {
          if (part.type === 'text') text += part.text;
        }
        if (text === 'One two three.') replies += 1;
      })();
      await clock.advance(300);
      await done;
    }
  };
  await talk(2_000);
  const beforeMb = usedHeapMb();
  await talk(TURNS - 2_000);
  const grownMb = usedHeapMb() - beforeMb;
  expect(replies).toBe(TURNS);
  expect(grownMb).toBeLessThan(1);
});
