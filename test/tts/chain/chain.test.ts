// The text-to-speech chain on the fake clock: every word is counted, whoever fails and whenever.
import { describe, expect, it } from 'vitest';
import { PROVIDER_ERROR_KINDS } from '../../../src/failover/provider-error.ts';
import { numbered, RATE_HZ, TestChain } from '../../support/chain-reply.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ScriptedTts, type ScriptedTtsOptions, type TtsFault } from '../../support/scripted-tts.ts';

const TEXT = numbered(0, 18);
const ALL = Array.from({ length: 18 }, (_, i) => i);
const range = (from: number, to: number) => ALL.slice(from, to);

function chainOf(...options: ScriptedTtsOptions[]) {
  return hedgedChainOf(0, ...options);
}

function hedgedChainOf(hedgeShare: number, ...options: ScriptedTtsOptions[]) {
  const clock = new FakeClock();
  const links = options.map((option, i) => new ScriptedTts('abcd'[i] as string, clock, option));
  const chain = new TestChain(clock, links, { hedgeShare });
  return { clock, chain, links: links as [ScriptedTts, ScriptedTts, ScriptedTts] };
}

type FaultAt = readonly [name: string, at: (afterMs: number) => TtsFault];

const FAULTS: readonly FaultAt[] = [
  ['throws something odd', (afterMs) => ({ does: 'throw-odd', afterMs })],
  ['falls silent', (afterMs) => ({ does: 'hang', afterMs })],
  ['ends early', (afterMs) => ({ does: 'end-early', afterMs })],
  ['says early that it ended', (afterMs) => ({ does: 'segment-end-early', afterMs })],
  ...PROVIDER_ERROR_KINDS.map((kind): FaultAt => [`fails by ${kind}`, (afterMs) => ({ does: 'fail', kind, afterMs })]),
];
/** At the first sample, within words, at their ends, within and at the ends of gaps, at commas, in the last word. */
const MOMENTS = [0, 20, 100, 240, 270, 300, 310, 700, 1_234, 1_800, 3_333, 5_300];
const TABLE = FAULTS.flatMap(([name, at]) => MOMENTS.map((ms) => [name, ms, at(ms)] as const));

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

  it('hands out the very first sound at once', async () => {
    const { chain } = chainOf({ firstMs: 80, chunkMs: 20 });
    expect((await chain.say(TEXT)).firstAudioMs).toBe(80);
  });

  it('never lets the caller run dry to keep something back', async () => {
    for (const chunkMs of [20, 40, 100]) {
      const { chain } = chainOf({ chunkMs, everyMs: chunkMs });
      const reply = await chain.say(TEXT);
      expect(reply.tones).toEqual(ALL);
      expect(reply.longestGapMs).toBe(0);
      expect(chain.attempts).toEqual(['a success']);
    }
  });

  it('is not blamed while the model writes slowly', async () => {
    for (const wordTimes of ['exact', 'estimated', 'none'] as const) {
      const { chain, clock } = chainOf({ wordTimes }, {});
      const reply = chain.open();
      for (const word of TEXT.split(/(?<= )/)) {
        reply.session.write(word);
        await clock.advance(900);
      }
      await clock.advance(5_000);
      reply.session.end();
      await clock.advance(3_000);
      expect(reply.tones).toEqual(ALL);
      expect(reply.ended).toBe(true);
      expect(chain.attempts).toEqual(['a success']);
      expect(clock.pending).toBe(0);
    }
  });

  it('ends each segment of the caller, and none of its own', async () => {
    for (const wordTimes of ['exact', 'none'] as const) {
      const { chain } = chainOf({ wordTimes }, {});
      const reply = chain.open();
      reply.session.flush();
      reply.session.write('w0 w1. w2 w3, w4 w5 w6.');
      reply.session.flush();
      reply.session.write(' 🙂 ');
      reply.session.flush();
      reply.session.write('w7');
      reply.session.end();
      await chain.clock.advance(5_000);
      const kinds = reply.parts.map(({ type }) => type).filter((type) => type !== 'word');
      const runs = kinds.filter((type, i) => type === 'segment-end' || type !== kinds[i - 1]);
      expect(runs).toEqual(['segment-end', 'audio', 'segment-end', 'segment-end', 'audio', 'segment-end']);
      expect(reply.tones).toEqual(range(0, 8));
    }
  });

  it('is given one clause at a time where it has no word times', async () => {
    const { chain, links } = chainOf({ wordTimes: 'none' });
    const reply = await chain.say('w0 w1 w2, w3 w4 w5. w6 w7 w8. w9');
    expect(links[0].written).toEqual(['w0 w1 w2, w3 w4 w5. |w6 w7 w8. |w9|]']);
    expect(reply.words.map(({ text }) => text).join('')).toBe('w0 w1 w2, w3 w4 w5. w6 w7 w8. w9');
    const startsMs = reply.words.map(({ startMs }) => startMs);
    expect(startsMs).toEqual([...startsMs].sort((a, b) => a - b));
    expect(reply.words.at(-1)?.endMs).toBeLessThanOrEqual(3_000.1);
  });
});

describe('when a link with exact word times fails, nothing is lost and nothing said twice', () => {
  it.each(TABLE)('%s after %i ms', async (_name, _ms, fault) => {
    const { chain, clock, links } = chainOf({}, {});
    links[0].faults.push(fault);
    const reply = await chain.say(TEXT);
    expect(reply.tones).toEqual(ALL);
    expect(reply.words.map(({ text }) => text).join('')).toBe(TEXT);
    expect(reply.ended).toBe(true);
    expect(reply.error).toBeUndefined();
    expect(reply.segmentEnds).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it.each(MOMENTS)('the words after a failure at %i ms have times on the one clock', async (afterMs) => {
    const { chain, links } = chainOf({}, { sampleRateHz: 24_000 });
    links[0].faults.push({ does: 'fail', kind: 'server', afterMs });
    const reply = await chain.say(TEXT);
    const { heard } = reply;
    expect(reply.words).toHaveLength(heard.length);
    reply.words.forEach((word, i) => {
      expect(Math.abs(word.startMs - (heard[i]?.startMs ?? Number.NaN))).toBeLessThan(40);
    });
  });

  it('trickles', async () => {
    for (const afterMs of [0, 300, 1_500]) {
      const { chain, links } = chainOf({}, {});
      links[0].faults.push({ does: 'trickle', afterMs, everyMs: 400 });
      const reply = await chain.say(TEXT);
      expect(reply.tones).toEqual(ALL);
      expect(chain.failures).toEqual(['a timeout']);
      // Nobody may be beside it here: it has failed 160 ms after the caller ran dry.
      expect(reply.longestGapMs).toBeLessThan(400 + 160);
    }
  });

  it('the caller waits no longer than for the next voice', async () => {
    const { chain, links } = hedgedChainOf(0.05, {}, { firstMs: 100 });
    links[0].faults.push({ does: 'hang', afterMs: 1_500 });
    const reply = await chain.say(TEXT);
    expect(reply.tones).toEqual(ALL);
    expect(reply.longestGapMs).toBe(0);
    expect(chain.hedges).toMatchObject([{ late: 'a', beside: 'b', outcome: 'won' }]);
    expect(chain.failures).toEqual(['a timeout']);
    expect(chain.switches).toMatchObject([{ from: 'a', to: 'b', kind: 'timeout', tookMs: 0, wordsKept: 5 }]);
  });

  it('that may not have another beside it, the caller waits 160 ms longer', async () => {
    const { chain, links } = chainOf({}, { firstMs: 100 });
    links[0].faults.push({ does: 'hang', afterMs: 1_500 });
    const reply = await chain.say(TEXT);
    expect(reply.tones).toEqual(ALL);
    expect(reply.longestGapMs).toBeLessThanOrEqual(160 + 100 + 20);
    expect(chain.switches).toMatchObject([{ from: 'a', to: 'b', kind: 'timeout', tookMs: 100, wordsKept: 5 }]);
  });

  it('the seam lies in a gap between words', async () => {
    for (const afterMs of [350, 500, 520, 1_000]) {
      const { chain, links } = chainOf({}, {});
      links[0].faults.push({ does: 'fail', kind: 'unreachable', afterMs });
      const { heard } = await chain.say(TEXT);
      for (const { startMs, endMs } of heard) expect(endMs - startMs).toBeGreaterThan(200);
      const gaps = heard.slice(1).map(({ startMs }, i) => startMs - (heard[i]?.endMs ?? 0));
      for (const gap of gaps) expect(gap).toBeGreaterThan(20);
    }
  });
});

/** A clean end is seen without word times only where the sound is much too short for its clause. */
const isPlain = ([, ms, { does }]: (typeof TABLE)[number]) => !does.endsWith('early') || ms % 1_800 < 430;

describe.each(['none', 'estimated'] as const)('when a link with %s word times fails', (wordTimes) => {
  const table = wordTimes === 'none' ? TABLE.filter(isPlain) : TABLE;
  it.each(table)(
    '%s after %i ms: nothing is lost, at most the started clause is said twice',
    async (_name, _ms, fault) => {
      const { chain, clock, links } = chainOf({ wordTimes }, { wordTimes });
      links[0].faults.push(fault);
      const reply = await chain.say(TEXT);
      const { tones } = reply;
      expect([...new Set(tones)].sort((a, b) => a - b)).toEqual(ALL);
      const back = tones.findIndex((tone, i) => tone < (tones[i - 1] ?? -1) || tone === tones[i - 1]);
      if (back !== -1) {
        expect((tones[back] as number) % 6).toBe(0);
        expect(tones.length - ALL.length).toBeLessThanOrEqual(6);
      }
      expect(reply.words.map(({ text }) => text).join('')).toBe(TEXT);
      expect(reply.ended).toBe(true);
      expect(clock.pending).toBe(0);
    },
  );

  it('between two clauses: nothing is said twice', async () => {
    const { chain, links } = chainOf({ wordTimes }, {});
    links[0].faults.push({ does: 'hang', afterMs: 1_810 });
    const reply = await chain.say(TEXT);
    expect(reply.tones).toEqual(ALL);
  });
});

describe('the limit without word times', () => {
  it('is a clean end with more than 40 % of the usual sound: it is taken for all of the clause', async () => {
    const { chain, links } = chainOf({ wordTimes: 'none' }, {});
    links[0].faults.push({ does: 'segment-end-early', afterMs: 1_200 });
    const reply = await chain.say('w0 w1 w2 w3 w4 w5.');
    expect(reply.tones).toEqual(range(0, 4));
    expect(chain.failures).toEqual([]);
  });
});

describe('before the first sound', () => {
  it.each<TtsFault>([
    { does: 'throw-at-open' },
    { does: 'throw-at-write' },
    { does: 'empty' },
    { does: 'slow-first', byMs: 9_000 },
  ])('%j: the next link speaks', async (fault) => {
    const { chain, clock, links } = chainOf({}, {});
    links[0].always = fault;
    const reply = await chain.say(TEXT);
    expect(reply.tones).toEqual(ALL);
    expect(reply.firstAudioMs).toBeLessThanOrEqual(780);
    expect(clock.pending).toBe(0);
    expect(chain.served).toEqual(['b']);
  });

  it.each(PROVIDER_ERROR_KINDS)('%s costs no time of its own', async (kind) => {
    const { chain, links } = chainOf({ firstMs: 0 }, { firstMs: 100 });
    links[0].always = { does: 'fail', kind, afterMs: 0 };
    const { firstAudioMs } = await chain.say(TEXT);
    expect(firstAudioMs).toBe(100);
    expect(chain.switches).toMatchObject([{ from: 'a', to: 'b', kind, tookMs: 100 }]);
    // The table's second chance runs beside the next voice.
    expect(links[0].opened).toHaveLength(kind === 'server' || kind === 'unreachable' ? 2 : 1);
  });

  it('an empty success is malformed', async () => {
    const { chain, links } = chainOf({}, {});
    links[0].always = { does: 'empty' };
    await chain.say(TEXT);
    expect(chain.failures).toEqual(['a malformed']);
  });

  it('a late link gets another beside it, and the first to speak is heard alone', async () => {
    const { chain, clock, links } = hedgedChainOf(0.05, {}, {});
    links[0].faults.push({ does: 'slow-first', byMs: 600 });
    const reply = await chain.say(TEXT);
    expect(chain.hedges).toMatchObject([{ late: 'a', beside: 'b', outcome: 'won' }]);
    expect(reply.tones).toEqual(ALL);
    expect(reply.firstAudioMs).toBe(480);
    expect(chain.failures).toEqual([]);
    expect(links[0].opened[0]?.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('a second contender gets what was written before it, and then what follows', async () => {
    const { chain, clock, links } = hedgedChainOf(0.05, {}, {});
    links[0].faults.push({ does: 'slow-first', byMs: 5_000 });
    const reply = chain.open();
    reply.session.write(numbered(0, 6));
    await clock.advance(100);
    reply.session.write(` ${numbered(6, 12)}`);
    await clock.advance(400);
    reply.session.write(` ${numbered(12, 18)}`);
    reply.session.end();
    await clock.advance(10_000);
    expect(reply.tones).toEqual(ALL);
    expect(reply.ended).toBe(true);
  });
});

describe('several failures in one reply', () => {
  it('three links die in one sentence and the fourth ends it', async () => {
    for (const wordTimes of ['exact', 'none'] as const) {
      const { chain, clock, links } = chainOf({}, {}, {}, { wordTimes });
      links[0].faults.push({ does: 'fail', kind: 'unreachable', afterMs: 500 });
      links[1].faults.push({ does: 'hang', afterMs: 400 });
      links[2].faults.push({ does: 'end-early', afterMs: 350 });
      const reply = await chain.say('w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11.');
      expect(reply.tones).toEqual(range(0, 12));
      expect(chain.switches.map(({ from, to }) => from + to)).toEqual(['ab', 'bc', 'cd']);
      expect(clock.pending).toBe(0);
    }
  });

  it('all fail for a while: it goes on trying and then goes on speaking', async () => {
    const { chain, clock, links } = chainOf({}, {});
    links[0].faults.push({ does: 'fail', kind: 'unreachable', afterMs: 500 });
    for (const link of links) link.always = { does: 'throw-at-open' };
    const reply = await chain.say(TEXT, 2_000);
    expect(reply.ended).toBe(false);
    expect(chain.exhausted.length).toBeGreaterThan(0);
    for (const link of links) link.always = undefined;
    await clock.advance(20_000);
    expect(reply.tones).toEqual(ALL);
    expect(reply.ended).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('all fail for good: the rest is given up after ten rounds, and nothing is thrown', async () => {
    const { chain, clock, links } = chainOf({}, {});
    for (const link of links) link.always = { does: 'fail', kind: 'server', afterMs: 0 };
    const reply = await chain.say(TEXT, 60_000);
    expect(reply.parts).toEqual([{ type: 'segment-end' }]);
    expect(reply.ended).toBe(true);
    expect(reply.error).toBeUndefined();
    expect(chain.exhausted.length).toBe(11);
    expect(clock.pending).toBe(0);
  });

  it('a link that dies in each clause does not go round for ever', async () => {
    const { chain, clock, links } = chainOf({ wordTimes: 'none' });
    links[0].always = { does: 'fail', kind: 'server', afterMs: 500 };
    const reply = await chain.say(TEXT, 120_000);
    expect(reply.ended).toBe(true);
    expect(links[0].opened.length).toBeLessThan(20);
    expect(clock.pending).toBe(0);
  });

  it('what is written after the rest was given up is tried again', async () => {
    const { chain, clock, links } = chainOf({});
    links[0].always = { does: 'throw-at-open' };
    const reply = chain.open();
    reply.session.write('w0 w1.');
    reply.session.flush();
    await clock.advance(60_000);
    expect(reply.segmentEnds).toBe(1);
    links[0].always = undefined;
    reply.session.write('w2 w3.');
    reply.session.end();
    await clock.advance(5_000);
    expect(reply.tones).toEqual([2, 3]);
  });
});

describe('sessions that misbehave', () => {
  it.each<TtsFault>([{ does: 'never-end' }, { does: 'parts-after-end' }])('%j: the reply ends once', async (fault) => {
    const cases = (['exact', 'none'] as const).flatMap((wordTimes) =>
      [0, 1].map((share) => [wordTimes, share] as const),
    );
    for (const [wordTimes, hedgeShare] of cases) {
      const { chain, clock, links } = hedgedChainOf(hedgeShare, { wordTimes }, {});
      links[0].faults.push(fault);
      const reply = await chain.say('w0 w1 w2.');
      expect(reply.ended).toBe(true);
      expect(reply.segmentEnds).toBe(1);
      expect([...new Set(reply.tones)]).toEqual([0, 1, 2]);
      expect(clock.pending).toBe(0);
    }
  });
});

describe('not failures', () => {
  const cancelled = async (ms: number, ...options: ScriptedTtsOptions[]) => {
    const { chain, clock, links } = chainOf(...options);
    const abort = new AbortController();
    const reply = chain.open(abort.signal);
    reply.session.write(TEXT);
    await clock.advance(ms);
    abort.abort();
    await clock.advance(0);
    expect(clock.pending).toBe(0);
    expect(links[0].opened[0]?.signal.aborted).toBe(true);
    reply.session.write('more');
    reply.session.flush();
    reply.session.end();
    await clock.advance(5_000);
    expect(reply.ended).toBe(true);
    expect(reply.error).toBeUndefined();
    expect(chain.failures).toEqual([]);
    expect(chain.attempts).toEqual(['a release']);
    expect(chain.board.health('tts/a')).toMatchObject({ failuresInRow: 0, suspect: undefined });
    expect(clock.pending).toBe(0);
    return reply;
  };

  it('the caller interrupts before the first sound', async () => {
    for (const ms of [0, 10, 79]) expect((await cancelled(ms, {}, {})).samples).toHaveLength(0);
  });

  it('the caller interrupts in mid-speech', async () => {
    for (const ms of [80, 200, 1_000]) await cancelled(ms, {}, {});
  });

  it.each(['', '  ', '🙂', '... !', '```js\nlet a = 1;\n```', '<br/>'])(
    'there is nothing to say in %j',
    async (text) => {
      const { chain, clock, links } = chainOf({}, {});
      const reply = await chain.say(text);
      expect(reply.parts).toEqual([{ type: 'segment-end' }]);
      expect(reply.ended).toBe(true);
      expect(links[0].opened).toHaveLength(0);
      expect(clock.pending).toBe(0);
    },
  );

  it('the caller interrupts while everybody is being tried again', async () => {
    const { chain, clock, links } = chainOf({});
    links[0].always = { does: 'throw-at-open' };
    const abort = new AbortController();
    const reply = chain.open(abort.signal);
    reply.session.write(TEXT);
    await clock.advance(500);
    expect(clock.pending).toBe(1);
    abort.abort();
    await clock.advance(0);
    expect(clock.pending).toBe(0);
    expect(reply.ended).toBe(true);
  });

  it('a link that ends its parts while nothing is owed', async () => {
    const { chain, clock, links } = chainOf({});
    const reply = chain.open();
    reply.session.write('w0 w1.');
    reply.session.flush();
    await clock.advance(3_000);
    expect(reply.tones).toEqual([0, 1]);
    links[0].endAll();
    await clock.advance(100);
    reply.session.write('w2 w3.');
    reply.session.end();
    await clock.advance(3_000);
    expect(reply.tones).toEqual([0, 1, 2, 3]);
    expect(chain.attempts).toEqual(['a success', 'a success']);
  });
});

describe('the better voice', () => {
  it('comes back only after it was well for 60 s', async () => {
    const { chain, clock, links } = chainOf({}, {});
    links[0].faults.push({ does: 'fail', kind: 'unreachable', afterMs: 500 });
    await chain.say(TEXT);
    const servedBy: (string | undefined)[] = [];
    for (let minute = 0; minute < 3; minute += 1) {
      await chain.say('w0 w1.', 30_000);
      servedBy.push(chain.attempts.at(-1));
    }
    expect(servedBy).toEqual(['b success', 'b success', 'a success']);
    expect(clock.pending).toBe(0);
  });

  it('is as loud as the one that it takes over from', async () => {
    for (const gain of [0.5, 2]) {
      const { chain, links } = chainOf({}, { gain });
      links[0].faults.push({ does: 'fail', kind: 'unreachable', afterMs: 1_500 });
      const { samples, heard } = await chain.say(TEXT);
      const peak = (from: number, to: number) => {
        const part = samples.subarray(from * 16, to * 16);
        return part.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      };
      const word = (i: number) => heard[i] as { startMs: number; endMs: number };
      const before = peak(word(2).startMs, word(2).endMs);
      const after = peak(word(12).startMs, word(12).endMs);
      expect(Math.abs(20 * Math.log10(after / before))).toBeLessThan(1);
    }
  });

  it.each([8_000, 22_050, 24_000, 44_100, 48_000])(
    'comes at %i Hz and is heard at the rate of the chain',
    async (sampleRateHz) => {
      const { chain, links } = chainOf({}, { sampleRateHz });
      links[0].faults.push({ does: 'fail', kind: 'unreachable', afterMs: 1_500 });
      const reply = await chain.say(TEXT);
      expect(reply.tones).toEqual(ALL);
      expect(Math.abs(reply.samples.length / RATE_HZ - 5.4)).toBeLessThan(0.2);
    },
  );
});
