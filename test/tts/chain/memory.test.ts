// 10,000 spoken replies over a chain, every fifth with a failure: nothing of them is kept.
import { expect, it } from 'vitest';
import { AsyncQueue } from '../../../src/audio/async-queue.ts';
import type { Clock } from '../../../src/failover/clock.ts';
import { Failover } from '../../../src/failover/failover.ts';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { openTtsChain } from '../../../src/tts/chain/chain.ts';
import type { TtsLink, TtsOpenOptions, TtsPart, TtsSession } from '../../../src/tts/contract.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { usedHeapMb } from '../../support/used-heap.ts';

const REPLIES = 10_000;
const RATE_HZ = 16_000;
const WORD = new Int16Array(RATE_HZ * 0.2).fill(3_000);

it(`does not grow over ${REPLIES} replies`, { timeout: 120_000 }, async () => {
  const clock = new FakeClock();
  let opened = 0;
  const failing = () => {
    opened += 1;
    return opened % 5 === 0;
  };
  const links = [voice('a', clock, failing), voice('b', clock, () => false)];
  // The failing link is tried again as often as may be: its trials are paid from the hedges.
  const settings = { ...DEFAULT_FAILOVER, uncheckedMs: 100, voiceReturnMs: 100, hedgeShare: 1 };
  let switches = 0;
  const board = new MemoryHealthBoard(settings, clock);
  const onSwitch = () => {
    switches += 1;
  };
  const failover = new Failover('tts', links, { clock, settings, board, onSwitch });
  const { signal } = new AbortController();
  let words = 0;
  const talk = async (replies: number) => {
    for (let reply = 0; reply < replies; reply += 1) {
      const session = openTtsChain(failover, { language: 'en-US', signal, sampleRateHz: RATE_HZ });
      const done = (async () => {
        for await (const part of session.parts) if (part.type === 'word') words += 1;
      })();
      session.write('One two three.');
      session.end();
      await clock.advance(1_000);
      await done;
    }
  };
  await talk(2_000);
  const beforeMb = usedHeapMb();
  await talk(REPLIES - 2_000);
  const grownMb = usedHeapMb() - beforeMb;
  expect(words).toBe(3 * REPLIES);
  expect(switches).toBeGreaterThan(REPLIES / 10);
  expect(clock.pending).toBe(0);
  expect(grownMb).toBeLessThan(1);
});

/** Each word at once; one that fails breaks in the middle. */
function voice(id: string, clock: Clock, fails: () => boolean): TtsLink {
  const open = ({ signal }: TtsOpenOptions): TtsSession => {
    const parts = new AsyncQueue<TtsPart>();
    const isFailing = fails();
    let text = '';
    signal.addEventListener('abort', () => parts.end(), { once: true });
    const say = () => {
      let atMs = 0;
      for (const word of text.match(/\S+\s*/g) ?? []) {
        if (isFailing && atMs === 200) {
          parts.fail(new ProviderError({ kind: 'malformed', provider: id, message: `${id} broke` }));
          return;
        }
        parts.push({ type: 'word', text: word, startMs: atMs, endMs: atMs + 200 });
        parts.push({ type: 'audio', samples: WORD });
        atMs += 200;
      }
      parts.push({ type: 'segment-end' });
      parts.end();
    };
    return {
      parts,
      write: (written) => {
        text += written;
      },
      flush: () => undefined,
      end: () => void clock.setTimeout(say, 20),
    };
  };
  return {
    id,
    traits: { languages: 'any', sampleRateHz: RATE_HZ, wordTimes: 'exact', defaultVoices: { 'en-US': id } },
    client: { open, close: async () => undefined },
  };
}
