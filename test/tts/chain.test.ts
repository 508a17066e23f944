// The text-to-speech chain on the fake clock: every word is counted, whoever fails and whenever.
import { describe, expect, it } from 'vitest';
import { numbered, TestChain } from '../support/chain-reply.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { ScriptedTts, type ScriptedTtsOptions, type TtsFault } from '../support/scripted-tts.ts';

const TEXT = numbered(0, 18);
const ALL = Array.from({ length: 18 }, (_, i) => i);

function chainOf(...options: ScriptedTtsOptions[]) {
  const clock = new FakeClock();
  const links = options.map((option, i) => new ScriptedTts('abcd'[i] as string, clock, option));
  const chain = new TestChain(clock, links);
  return { clock, chain, links: links as [ScriptedTts, ScriptedTts, ScriptedTts] };
}

describe('a chain whose best link is well', () => {
  it('speaks all by it, and tells so', async () => {
    const { chain, clock } = chainOf({}, {});
    const reply = await chain.say(TEXT);
    expect(reply.tones).toEqual(ALL);
    expect(reply.ended).toBe(true);
    expect(reply.segmentEnds).toBe(1);
    expect(chain.attempts).toEqual(['a success']);
    expect(chain.served).toEqual(['a']);
    expect(clock.pending).toBe(0);
    expect(reply.words.map(({ text }) => text).join('')).toBe(TEXT);
  });
});

describe('with exact word times', () => {
  const moments = [0, 20, 100, 240, 270, 300, 310, 700, 1_234, 1_800, 3_333, 5_300];
  const faults: ((afterMs: number) => TtsFault)[] = [
    (afterMs) => ({ does: 'fail', kind: 'unreachable', afterMs }),
    (afterMs) => ({ does: 'throw-odd', afterMs }),
    (afterMs) => ({ does: 'hang', afterMs }),
    (afterMs) => ({ does: 'end-early', afterMs }),
    (afterMs) => ({ does: 'segment-end-early', afterMs }),
  ];
  it.each(faults.flatMap((fault) => moments.map((afterMs) => fault(afterMs))))('%j', async (fault) => {
    const { chain, clock, links } = chainOf({}, {});
    links[0].faults.push(fault);
    const reply = await chain.say(TEXT);
    expect(reply.tones).toEqual(ALL);
    expect(reply.words.map(({ text }) => text).join('')).toBe(TEXT);
    expect(reply.ended).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
