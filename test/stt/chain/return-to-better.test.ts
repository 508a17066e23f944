// Back to the better link: found well again by cheap means, at a turn boundary, with nothing lost or said twice.
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { scriptedStt, silence, speak } from '../../support/scripted-stt.ts';
import { allWords, converse, finish, hear, once, startChain, TURNS } from '../support/talk.ts';

const utterances = { needsVoiceActivity: true, interimResults: false, deadlines: { firstMs: 2_500 } };

function broken(clock: FakeClock, checks: (() => void)[] = [], traits = {}, traitsOfTwo = {}) {
  let count = 0;
  const check = async () => checks[Math.min(count++, checks.length - 1)]?.();
  const one = scriptedStt('one', { clock, traits, faults: [{ at: 'word', word: 3, does: 'server' }], check });
  const two = scriptedStt('two', { clock, traits: traitsOfTwo });
  const told: string[] = [];
  const chain = startChain(clock, [one.link, two.link], {
    extras: {
      onReconnecting: ({ id }, attempt, waitMs) => told.push(`reconnecting ${id} ${attempt} ${waitMs}`),
      onReconnected: ({ id }, attempts) => told.push(`reconnected ${id} ${attempts}`),
      onReconnectFailed: ({ id }, attempts) => told.push(`failed ${id} ${attempts}`),
      onReturn: (from, to) => told.push(`return ${from} ${to}`),
    },
  });
  return { chain, one, two, told, checked: () => count };
}

const down = () => {
  throw new ProviderError({ kind: 'unreachable', provider: 'one', message: 'still down' });
};

describe('a better link that is well again', () => {
  it('serves again from a turn boundary on, and says nothing twice', async () => {
    const clock = new FakeClock();
    const { chain, told, one } = broken(clock, [() => undefined]);
    expect(once(await converse(chain))).toEqual(allWords);
    expect(told).toEqual(['reconnecting one 1 1000', 'reconnected one 1', 'return two one']);
    const by = chain.parts.flatMap((part) => (part.type === 'final' ? [part.provider] : []));
    expect(by).toEqual(['two', 'one', 'one', 'one']);
    expect(one.opened).toBe(2);
    expect(clock.pending).toBe(0);
  });

  it('does not serve again in the middle of an utterance', async () => {
    const clock = new FakeClock();
    const { chain, told } = broken(clock, [() => undefined]);
    const long = Array.from({ length: 32 }, (_, word) => word);
    await hear(chain, speak(long));
    expect(told).toEqual(['reconnecting one 1 1000', 'reconnected one 1']);
    await hear(chain, silence(1_000));
    expect(told.at(-1)).toBe('return two one');
    expect(once(await finish(chain))).toEqual(allWords);
  });

  it('is looked for 1, 2, 4, 8 and 16 s after one another, then left to the board', async () => {
    const clock = new FakeClock();
    const { chain, told, checked } = broken(clock, [down]);
    await converse(chain);
    expect(checked()).toBeGreaterThan(1);
    const other = broken(clock, [down]);
    await hear(other.chain, speak(TURNS[0] as number[]));
    await hear(other.chain, silence(40_000));
    expect(other.told).toEqual([
      'reconnecting one 1 1000',
      'reconnecting one 2 2000',
      'reconnecting one 3 4000',
      'reconnecting one 4 8000',
      'reconnecting one 5 16000',
      'failed one 5',
    ]);
    expect(other.checked()).toBe(5);
    expect(told.some((event) => event.startsWith('return'))).toBe(false);
    await finish(other.chain);
    expect(clock.pending).toBe(0);
  });

  it('is tried when the board allows it, where it has no check', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'word', word: 3, does: 'server' }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak(TURNS[0] as number[]));
    await hear(chain, silence(32_000));
    for (const turn of TURNS.slice(1)) {
      await hear(chain, speak(turn));
      await hear(chain, silence(500));
    }
    expect(once(await finish(chain))).toEqual(allWords);
    expect(chain.parts.at(-1)?.provider).toBe('one');
  });

  it('that dies again while it is opened is no trouble to who serves', async () => {
    const clock = new FakeClock();
    for (const does of ['hangs', 'auth', 'ends', 'throws'] as const) {
      const { chain, one, told } = broken(clock, [() => undefined]);
      one.faults.push({ fault: { at: 'connect', does, from: 1 }, times: 1 });
      expect(once(await converse(chain))).toEqual(allWords);
      expect(told.filter((event) => event.startsWith('return')).length).toBeLessThanOrEqual(1);
      expect(clock.pending).toBe(0);
    }
  });

  it('loses nothing when it dies with its first words after the return', async () => {
    const clock = new FakeClock();
    const { chain, one } = broken(clock, [() => undefined]);
    one.faults.push({ fault: { at: 'word', word: 9, does: 'ends' }, times: 1 });
    expect(once(await converse(chain))).toEqual(allWords);
    expect(chain.failures).toEqual(['one server', 'one unreachable']);
  });

  it('serves again after a link that answers whole utterances, though it was well in the midst of one', async () => {
    const clock = new FakeClock();
    const { chain, told } = broken(clock, [() => undefined], {}, utterances);
    await hear(chain, speak(Array.from({ length: 32 }, (_, word) => word)));
    expect(told).toEqual(['reconnecting one 1 1000', 'reconnected one 1']);
    await hear(chain, silence(3_000));
    expect(told.at(-1)).toBe('return two one');
    expect(once(await finish(chain))).toEqual(allWords);
  });

  it('that needs whole utterances serves again too', async () => {
    const clock = new FakeClock();
    const { chain, told } = broken(clock, [() => undefined], utterances);
    expect(once(await converse(chain, 1_500))).toEqual(allWords);
    expect(told.at(-1)).toBe('return two one');
  });
});

describe('what is told to the board', () => {
  it('that a link serves well, once a turn', async () => {
    const clock = new FakeClock();
    const outcomes: string[] = [];
    const chain = startChain(clock, [scriptedStt('one', { clock }).link], {
      onAttempt: (_stage, provider, outcome, firstMs) =>
        outcomes.push(`${provider} ${outcome} ${(firstMs ?? 0) < 300}`),
    });
    await converse(chain);
    expect(outcomes.filter((outcome) => outcome === 'one success true')).toHaveLength(4);
    expect(outcomes.some((outcome) => outcome.includes('failure'))).toBe(false);
  });

  it('so that failures in a row are forgotten', async () => {
    const clock = new FakeClock();
    const faults = [2, 10, 18, 26].map((word) => ({ at: 'word' as const, word, does: 'server' as const }));
    const chain = startChain(clock, [scriptedStt('one', { clock, faults }).link]);
    expect(once(await converse(chain))).toEqual(allWords);
    expect(chain.board.health('stt/one').failuresInRow).toBe(0);
  });
});

describe('what the chain tells', () => {
  it('begins and ends speech once for each turn, whoever serves', async () => {
    const clock = new FakeClock();
    for (const [oneTells, twoTells] of [
      [true, true],
      [true, false],
      [false, true],
    ] as const) {
      const one = scriptedStt('one', {
        clock,
        tellsSpeech: oneTells,
        faults: [{ at: 'word', word: 3, does: 'server' }],
      });
      const two = scriptedStt('two', { clock, tellsSpeech: twoTells });
      const chain = startChain(clock, [one.link, two.link]);
      await hear(chain, speak(TURNS[0] as number[]));
      await hear(chain, silence(1_000));
      await finish(chain);
      const kinds = chain.parts.map(({ type }) => type).filter((type) => type.startsWith('speech'));
      expect(kinds).toEqual(['speech-start', 'speech-end']);
    }
  });

  it('has times on one clock over links', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'word', word: 11, does: 'server' }] });
    const two = scriptedStt('two', { clock, faults: [{ at: 'word', word: 20, does: 'ends' }] });
    const chain = startChain(clock, [one.link, two.link, scriptedStt('three', { clock }).link]);
    await converse(chain);
    const starts = chain.parts.flatMap((part) =>
      part.type === 'final' ? part.words.map(({ startMs }) => startMs) : [],
    );
    const due = TURNS.flatMap((turn, index) => turn.map((_, place) => 300 + index * 3_400 + place * 300));
    expect(starts.map(Math.round)).toEqual(due);
  });

  it('says what the agent expects to every link that it opens', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'word', word: 3, does: 'server' }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    chain.session.expect?.({ kind: 'yes-no' });
    await hear(chain, speak(TURNS[0] as number[]));
    chain.session.expect?.({ kind: 'open' });
    await finish(chain);
    expect(one.sessions[0]?.expectations).toEqual([{ kind: 'yes-no' }]);
    expect(two.sessions[0]?.expectations).toEqual([{ kind: 'yes-no' }, { kind: 'open' }]);
  });

  it('hears at the rate of its first link by links of another', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'word', word: 3, does: 'server' }] });
    const two = scriptedStt('two', { clock, traits: { sampleRateHz: 24_000 } });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak([0, 1, 2, 3]));
    await hear(chain, silence(1_000));
    await finish(chain);
    const seconds = (two.sessions[0]?.samples ?? 0) / 24_000;
    expect(seconds).toBeGreaterThan(2.1);
    expect(seconds).toBeLessThan(2.3);
  });
});
