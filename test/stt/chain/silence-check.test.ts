// When silence is a failure and when it is not: nobody is marked down for noise, for a silent caller, or for a call that ends.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { noise, scriptedStt, silence, speak } from '../../support/scripted-stt.ts';
import { allWords, converse, finish, hear, once, startChain, TURNS } from '../support/talk.ts';

const slow = { deadlines: { firstMs: 1_500, stallMs: 1_800 }, typicalFirstMs: 900 };
const utterances = { needsVoiceActivity: true, interimResults: false, deadlines: { firstMs: 2_500 } };
const [firstTurn = [], secondTurn = []] = TURNS;

function pair(clock: FakeClock, traits = {}) {
  const one = scriptedStt('one', { clock, traits });
  const two = scriptedStt('two', { clock });
  return { one, two, links: [one.link, two.link] };
}

describe('a link that goes silent', () => {
  it.each([0, 3, 11, 18])('has words again within 1 s, before word %i', async (word) => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'word', word, does: 'silent' }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    expect(once(await converse(chain))).toEqual(allWords);
    expect(chain.failures).toEqual(['one timeout']);
    const gaps = chain.times.slice(1).map((ms, index) => ms - (chain.times[index] as number));
    // 300 ms between words, 900 ms of speech without one, and the other's 50 ms.
    expect(Math.max(...gaps.filter((_, index) => chain.parts[index]?.type === 'interim'))).toBeLessThanOrEqual(1_300);
    expect(chain.switches).toHaveLength(1);
    expect(chain.switches[0]).toMatchObject({ from: 'one', to: 'two', kind: 'timeout' });
    expect(chain.switches[0]?.tookMs).toBeLessThanOrEqual(100);
  });

  it('is found out by a single short word', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'word', word: 5, does: 'silent' }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, speak([5]));
    await hear(chain, silence(2_000));
    expect(once(chain.parts)).toEqual(['w5']);
    expect(chain.failures).toEqual(['one timeout']);
    await finish(chain);
  });

  it('is found out though its deadlines are longer, and another speaks in the meantime', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, traits: slow, faults: [{ at: 'word', word: 3, does: 'silent' }] });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    expect(once(await converse(chain))).toEqual(allWords);
    expect(chain.failures).toEqual(['one timeout']);
    // Its third word comes at 830 ms; so long after it a link that is usually slow may have failed, and the other listens too.
    const next = chain.parts.findIndex((part) => part.provider === 'two');
    expect(chain.times[next]).toBeLessThanOrEqual(2_700);
  });

  it('is not suspect when its words come before its own deadline, though another was quicker', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, traits: slow, latencyMs: 1_250 });
    const two = scriptedStt('two', { clock });
    const chain = startChain(clock, [one.link, two.link]);
    expect(once(await converse(chain, 3_000))).toEqual(allWords);
    expect(chain.failures).toEqual([]);
  });
});

describe('nobody is marked down', () => {
  it('for noise without words, and listening beside becomes rarer', async () => {
    const clock = new FakeClock();
    const { two, links } = pair(clock);
    const chain = startChain(clock, links);
    await hear(chain, noise(20_000));
    await hear(chain, silence(500));
    expect(two.opened).toBeGreaterThan(0);
    expect(two.opened).toBeLessThanOrEqual(4);
    await hear(chain, speak(firstTurn));
    await hear(chain, silence(500));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
    expect(chain.failures).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('for noise behind words', async () => {
    const clock = new FakeClock();
    const { links } = pair(clock);
    const chain = startChain(clock, links);
    await hear(chain, speak(firstTurn));
    await hear(chain, noise(5_000));
    await hear(chain, silence(500));
    await hear(chain, speak(secondTurn));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 16));
    expect(chain.failures).toEqual([]);
  });

  it('for noise, where all need whole utterances', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, traits: utterances });
    const two = scriptedStt('two', { clock, traits: utterances });
    const chain = startChain(clock, [one.link, two.link]);
    await hear(chain, noise(5_000));
    await hear(chain, silence(5_000));
    await hear(chain, speak(firstTurn));
    await hear(chain, silence(3_000));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
    expect(chain.failures).toEqual([]);
  });

  it('for two minutes of silence', async () => {
    const clock = new FakeClock();
    const { two, links } = pair(clock);
    const chain = startChain(clock, links);
    await hear(chain, silence(120_000));
    await hear(chain, speak(firstTurn));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
    expect(chain.failures).toEqual([]);
    expect(two.opened).toBe(0);
    expect(chain.session.droppedMs).toBe(0);
  });

  it('for a click', async () => {
    const clock = new FakeClock();
    const { two, links } = pair(clock);
    const chain = startChain(clock, links);
    for (let i = 0; i < 5; i += 1) {
      await hear(chain, noise(20));
      await hear(chain, silence(1_000));
    }
    expect(two.opened).toBe(0);
    await finish(chain);
    expect(chain.failures).toEqual([]);
  });

  it.each([0, 10, 60, 150, 400, 700, 900, 1_300, 2_000, 2_300, 2_700])(
    'for a call that is cancelled after %i ms, and nothing is left behind',
    async (ms) => {
      for (const does of ['silent', 'server', undefined] as const) {
        const clock = new FakeClock();
        const faults = does ? [{ at: 'word' as const, word: 4, does }] : [];
        const one = scriptedStt('one', { clock, faults });
        const two = scriptedStt('two', { clock, traits: utterances });
        const chain = startChain(clock, [one.link, two.link]);
        const speech = speak(firstTurn);
        await hear(chain, speech.subarray(0, ms * 16));
        await hear(chain, silence(Math.max(0, ms - 2_400)));
        const before = chain.failures.length;
        chain.calling.abort();
        await chain.done;
        await clock.advance(0);
        expect(chain.failures).toHaveLength(before);
        await clock.advance(30_000);
        expect(clock.pending).toBe(0);
        chain.session.write(speech);
        chain.session.flush();
        chain.session.end();
        expect(clock.pending).toBe(0);
      }
    },
  );

  it('for a call that is over before it began', async () => {
    const clock = new FakeClock();
    const { one, links } = pair(clock);
    const { session, failures } = startChain(clock, links, { signal: AbortSignal.abort() });
    session.write(speak(firstTurn));
    session.end();
    for await (const part of session.parts) expect(part).toBeUndefined();
    expect(one.opened).toBe(0);
    expect(failures).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe('the ring', () => {
  it('drops and counts the oldest of more than a minute that nobody could hear', async () => {
    const clock = new FakeClock();
    const one = scriptedStt('one', { clock, faults: [{ at: 'connect', does: 'unreachable', times: 7 }] });
    const chain = startChain(clock, [one.link]);
    for (let turn = 0; turn < 32; turn += 1) {
      await hear(chain, speak(firstTurn));
      await hear(chain, silence(100));
    }
    expect(chain.session.droppedMs).toBeGreaterThan(15_000);
    expect(chain.session.droppedMs).toBeLessThan(21_000);
    await hear(chain, silence(20_000));
    await finish(chain);
    expect(chain.exhausted).toHaveLength(1);
    expect(once(chain.parts).length).toBeGreaterThan(150);
  });

  it('takes frames of every size, and none', async () => {
    const clock = new FakeClock();
    const { links } = pair(clock);
    const chain = startChain(clock, links);
    const speech = speak(firstTurn);
    chain.session.write(new Int16Array(0));
    for (let at = 0, size = 1; at < speech.length; at += size, size = (size * 7 + 3) % 1_601) {
      chain.session.write(speech.subarray(at, at + size));
    }
    chain.session.write(silence(70_000));
    expect(once(await finish(chain))).toEqual(allWords.slice(0, 8));
  });
});
