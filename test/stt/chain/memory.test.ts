// One call of 10,000 turns over a chain, every fifth with a failure: nothing of what was said is kept.
import { expect, it } from 'vitest';
import { Failover } from '../../../src/failover/failover.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { openSttChain } from '../../../src/stt/chain/chain.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RATE_HZ, scriptedStt, silence, speak } from '../../support/scripted-stt.ts';
import { usedHeapMb } from '../../support/used-heap.ts';

const TURNS = 10_000;
const FRAME = RATE_HZ / 10;
const [well, breaking, quiet] = [speak([0]), speak([1]), silence(600)];

it(`does not grow over ${TURNS} turns`, { timeout: 120_000 }, async () => {
  const clock = new FakeClock();
  const links = [
    scriptedStt('a', { clock, faults: [{ at: 'word', word: 1, does: 'malformed', times: Number.POSITIVE_INFINITY }] }),
    scriptedStt('b', { clock }),
  ];
  // The trials by which the broken link comes back are paid from the budget of hedges.
  const settings = { ...DEFAULT_FAILOVER, uncheckedMs: 100, hedgeShare: 1 };
  let switches = 0;
  const failover = new Failover(
    'stt',
    links.map(({ link }) => link),
    {
      clock,
      settings,
      board: new MemoryHealthBoard(settings, clock),
      onSwitch: () => {
        switches += 1;
      },
    },
  );
  const session = openSttChain(failover, { language: 'en-US', signal: new AbortController().signal });
  let words = 0;
  const done = (async () => {
    for await (const part of session.parts) if (part.type === 'final') words += part.text.split(' ').length;
  })();
  const hear = async (samples: Int16Array) => {
    for (let at = 0; at < samples.length; at += FRAME) {
      session.write(samples.subarray(at, at + FRAME));
      await clock.advance(100);
    }
  };
  const talk = async (turns: number) => {
    for (let turn = 0; turn < turns; turn += 1) {
      await hear(turn % 5 === 0 ? breaking : well);
      await hear(quiet);
      // The script would remember what each stream was opened with.
      for (const { sessions } of links) sessions.length = 0;
    }
  };
  await talk(2_000);
  const beforeMb = usedHeapMb();
  await talk(TURNS - 2_000);
  const grownMb = usedHeapMb() - beforeMb;
  session.end();
  await clock.advance(5_000);
  await done;
  expect(words).toBe(TURNS);
  expect(switches).toBeGreaterThan(TURNS / 10);
  expect(clock.pending).toBe(0);
  expect(grownMb).toBeLessThan(1);
});
