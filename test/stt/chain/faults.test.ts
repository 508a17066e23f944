// Outages that are more than one fault: connections that hang, links that fall one after another, nobody left, the end.
import { describe, expect, it } from 'vitest';
import { PROVIDER_ERROR_KINDS } from '../../../src/failover/provider-error.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Fault, scriptedStt, silence, speak } from '../../support/scripted-stt.ts';
import { allWords, converse, finish, hear, once, startChain, TURNS } from '../support/talk.ts';

const utterances = { needsVoiceActivity: true, interimResults: false, deadlines: { firstMs: 2_500 } };

const firstTurn = TURNS[0] as number[];

describe('connecting', () => {
  const ways: readonly Extract<Fault, { at: 'connect' }>['does'][] = [
    'hangs',
    'throws',
    'auth',
    'unreachable',
    'ends',
    { takesMs: 500 },
    { takesMs: 3_000 },
  ];
  it.each(ways)('loses nothing when the first link’s connection %j', async (does) => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'connect', does }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak(TURNS[0] as number[]));
    await hear(chain, silence(1_000));
    for (const turn of TURNS.slice(1)) {
      await hear(chain, speak(turn));
      await hear(chain, silence(1_000));
    }
    expect(once(await finish(chain))).toEqual(allWords);
    expect(chain.times[0]).toBeLessThanOrEqual(1_000);
    expect(clock.pending).toBe(0);
  });
});

describe('a refused connection', () => {
  it.each(PROVIDER_ERROR_KINDS)('by %s costs nothing over the next link’s own time', async (does) => {
    const firstWordsMs = async (faults: readonly Fault[]) => {
      const clock = new FakeClock();
      const one = scriptedStt('one', { clock, faults });
      const two = scriptedStt('two', { clock });
      const chain = startChain(clock, faults.length > 0 ? [one.link, two.link] : [two.link]);
      await hear(chain, speak(TURNS[0] as number[]));
      expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
      expect(chain.failures).toEqual(faults.map(() => `one ${does}`));
      return chain.times[0];
    };
    expect(await firstWordsMs([{ at: 'connect', does }])).toBe(await firstWordsMs([]));
  });
});

describe('several failures', () => {
  it('survives two switches within one utterance', async () => {
    const clock = new FakeClock();
    const links = [
      scriptedStt('one', { clock, faults: [{ at: 'word', word: 10, does: 'server' }] }),
      scriptedStt('two', { clock, faults: [{ at: 'word', word: 13, does: 'ends' }] }),
      scriptedStt('three', { clock }),
    ];
    const chain = startChain(
      clock,
      links.map(({ link }) => link),
    );
    expect(once(await converse(chain))).toEqual(allWords);
    expect(chain.switches.map(({ from, to }) => `${from} ${to}`)).toEqual(['one two', 'two three']);
    // Two words of the turn stood when the first one failed; the second had said five of it.
    expect(chain.switches.map(({ wordsKept }) => wordsKept)).toEqual([2, 5]);
  });

  it('survives a failure and a silence within one utterance, in either order', async () => {
    for (const [first, second] of [
      ['server', 'silent'],
      ['silent', 'server'],
      ['silent', 'silent'],
    ] as const) {
      const clock = new FakeClock();
      const links = [
        scriptedStt('one', { clock, faults: [{ at: 'word', word: 9, does: first }] }),
        scriptedStt('two', { clock, faults: [{ at: 'word', word: 13, does: second }] }),
        scriptedStt('three', { clock }),
      ];
      const chain = startChain(
        clock,
        links.map(({ link }) => link),
      );
      expect(once(await converse(chain))).toEqual(allWords);
      // One that is silent is suspect later than another that breaks.
      expect(chain.failures.map((failure) => failure.split(' ')[0]).toSorted()).toEqual(['one', 'two']);
      expect(clock.pending).toBe(0);
    }
  });

  it('survives three in a call', async () => {
    const clock = new FakeClock();
    const links = [3, 12, 20].map((word, index) =>
      scriptedStt(`link${index}`, { clock, faults: [{ at: 'word', word, does: 'unreachable' }] }),
    );
    const chain = startChain(
      clock,
      [...links, scriptedStt('last', { clock })].map(({ link }) => link),
    );
    expect(once(await converse(chain))).toEqual(allWords);
    expect(chain.switches).toHaveLength(3);
  });

  it('goes on with a single link that breaks in every turn', async () => {
    const clock = new FakeClock();
    const faults = [2, 11, 18, 31].map((word) => ({ at: 'word' as const, word, does: 'server' as const }));
    const chain = startChain(clock, [scriptedStt('only', { clock, faults }).link]);
    expect(once(await converse(chain))).toEqual(allWords);
    expect(chain.exhausted).toEqual([]);
  });

  it('opens a single link anew that went silent', async () => {
    const clock = new FakeClock();
    const only = scriptedStt('only', { clock, faults: [{ at: 'word', word: 9, does: 'silent' }] });
    const chain = startChain(clock, [only.link]);
    expect(once(await converse(chain, 3_500))).toEqual(allWords);
    expect(only.opened).toBe(2);
  });

  it('keeps what was said while all have failed, and tells it once one is back', async () => {
    const clock = new FakeClock();
    const refused = { at: 'connect' as const, does: 'unreachable' as const };
    const one = scriptedStt('one', {
      clock,
      faults: [
        { at: 'word', word: 9, does: 'server' },
        { ...refused, from: 1, times: 3 },
      ],
    });
    const two = scriptedStt('two', { clock, faults: [{ ...refused, times: 3 }] });
    const chain = startChain(clock, [one.link, two.link]);
    const words = once(await converse(chain, 2_000));
    expect(words).toEqual(allWords);
    expect(chain.exhausted).toHaveLength(1);
  });

  it('keeps the last interim words when nobody comes back', async () => {
    const clock = new FakeClock();
    const down = { at: 'connect' as const, does: 'auth' as const, times: Number.POSITIVE_INFINITY };
    const one = scriptedStt('one', {
      clock,
      faults: [
        { at: 'word', word: 12, does: 'server' },
        { ...down, from: 1 },
      ],
    });
    const two = scriptedStt('two', { clock, faults: [down] });
    const chain = startChain(clock, [one.link, two.link]);
    const words = once(await converse(chain));
    expect(words).toEqual(allWords.slice(0, 12));
    expect(chain.exhausted).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('never says promoted words again when a link comes back late', async () => {
    const clock = new FakeClock();
    const down = { at: 'connect' as const, does: 'unreachable' as const };
    const one = scriptedStt('one', {
      clock,
      faults: [
        { at: 'word', word: 12, does: 'server' },
        { ...down, from: 1, times: 4 },
      ],
    });
    const two = scriptedStt('two', { clock, faults: [{ ...down, times: 9 }] });
    const chain = startChain(clock, [one.link, two.link]);
    for (const turn of TURNS) {
      await hear(chain, speak(turn));
      await hear(chain, silence(1_000));
    }
    expect(once(chain.parts)).toEqual(allWords.slice(0, 12));
    await hear(chain, silence(20_000));
    expect(once(await finish(chain))).toEqual(allWords);
    expect(chain.exhausted).toHaveLength(1);
  });
});

describe('a storm', () => {
  it('between two links that both fail in turn ends after five openings, and goes on by rounds that wait', async () => {
    const clock = new FakeClock();
    const breaking = TURNS.flat().map((word) => ({ at: 'word' as const, word, does: 'server' as const, times: 99 }));
    const one = scriptedStt('one', { clock, faults: breaking });
    const two = scriptedStt('two', { clock, faults: breaking });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak(firstTurn));
    // Each link twice; whoever comes next waits for a second.
    expect([one.opened, two.opened]).toEqual([2, 2]);
    expect(chain.exhausted).toHaveLength(1);
    await hear(chain, silence(10_000));
    expect(one.opened + two.opened).toBeLessThanOrEqual(5 * 4);
    for (const { faults } of [one, two]) faults.length = 0;
    await hear(chain, silence(6_000));
    expect(once(await finish(chain))).toEqual(firstTurn.map((word) => `w${word}`));
  });

  it('of words and failures in turn opens as few: words are no end of a turn', async () => {
    const clock = new FakeClock();
    const breaking = [1, 2, 3, 4, 5, 6, 7].map((word) => ({
      at: 'word' as const,
      word,
      does: 'ends' as const,
      times: 99,
    }));
    const links = ['one', 'two'].map((id) => scriptedStt(id, { clock, faults: breaking }));
    const chain = startChain(
      clock,
      links.map(({ link }) => link),
    );
    const opened = () => links.reduce((sum, link) => sum + link.opened, 0);
    await hear(chain, speak(firstTurn.slice(0, 4)));
    expect(opened()).toBeLessThanOrEqual(5);
    await hear(chain, speak(firstTurn.slice(4)));
    await hear(chain, silence(500));
    expect(opened()).toBeLessThanOrEqual(2 * 5);
    for (const { faults } of links) faults.length = 0;
    await hear(chain, silence(6_000));
    expect(once(await finish(chain))).toEqual(firstTurn.map((word) => `w${word}`));
  });
});

describe('whole utterances', () => {
  const at = [0, 4, 7, 8, 11, 15, 23];
  it.each(at)('take over from streams that break at word %i', async (word) => {
    for (const does of ['server', 'silent', 'ends'] as const) {
      const clock = new FakeClock();
      const one = scriptedStt('one', { clock, faults: [{ at: 'word', word, does }] });
      const two = scriptedStt('two', { clock, traits: utterances });
      const chain = startChain(clock, [one.link, two.link]);
      expect(once(await converse(chain))).toEqual(allWords);
      expect(clock.pending).toBe(0);
    }
  });

  it.each(at)('are taken over by streams when a request fails that holds word %i', async (word) => {
    for (const does of ['server', 'silent'] as const) {
      const clock = new FakeClock();
      const one = scriptedStt('one', { clock, traits: utterances, faults: [{ at: 'word', word, does }] });
      const two = scriptedStt('two', { clock });
      const chain = startChain(clock, [one.link, two.link]);
      expect(once(await converse(chain, 1_500))).toEqual(allWords);
      expect(chain.failures).toHaveLength(1);
      expect(clock.pending).toBe(0);
    }
  });
});

describe('the end', () => {
  it.each(['server', 'ends', 'silent', 'not-an-error'] as const)(
    'has all words though the link then fails: %s',
    async (does) => {
      const clock = new FakeClock();
      const one = scriptedStt('one', { clock, faults: [{ at: 'word', word: 6, does }] });
      const two = scriptedStt('two', { clock, faults: [{ at: 'end', does: 'server' }] });
      const three = scriptedStt('three', { clock });
      const chain = startChain(clock, [one.link, two.link, three.link]);
      await hear(chain, speak(TURNS[0] as number[]));
      expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
      expect(clock.pending).toBe(0);
    },
  );

  it('comes while all have failed', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'connect', does: 'server', times: 99 }] });
    const chain = startChain(clock, [one.link]);
    await hear(chain, speak([1, 2]));
    expect(once(await finish(chain))).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('comes at once where nothing was heard', async () => {
    const clock = new FakeClock();
    const chain = startChain(clock, [scriptedStt('one', { clock }).link]);
    expect(await finish(chain, 200)).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('finalises what was flushed, by the next link too', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'word', word: 3, does: 'server' }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak([0, 1, 2]));
    chain.session.flush();
    await hear(chain, speak([3, 4, 5]));
    chain.session.flush();
    await clock.advance(100);
    expect(once(chain.parts)).toEqual(['w0', 'w1', 'w2', 'w3', 'w4', 'w5']);
    expect(one.sessions[0]?.flushes).toBe(1);
    expect(two.sessions[0]?.flushes).toBeGreaterThanOrEqual(1);
    await finish(chain);
  });
});
