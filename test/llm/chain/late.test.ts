// Help early, blame late: what the chain makes of models that are slow, silent for a while, thinking, or busy with a call.
import { describe, expect, it } from 'vitest';
import { Failover } from '../../../src/failover/failover.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { replyOverChain } from '../../../src/llm/chain/chain.ts';
import type { LlmLink, LlmPart, LlmRequest, LlmResult, LlmTraits } from '../../../src/llm/contract.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type LlmScript, scriptedLlm } from '../../support/scripted-llm.ts';

const WORDS = Array.from({ length: 12 }, (_, index) => `w${index} `);
const WHOLE = WORDS.join('');
const TOOL = { name: 'book', description: '', parameters: {} };
const CALL: LlmPart = { type: 'tool-call', call: { id: 'c1', name: 'book', arguments: '{}' } };
const text = (said: string): LlmPart => ({ type: 'text', text: said });
const progress = (of: 'tool-call' | 'reasoning', count: number): LlmPart[] =>
  Array.from({ length: count }, () => ({ type: 'progress', of }));

interface Options {
  readonly request?: Partial<LlmRequest>;
  readonly hedgeShare?: number;
  /** Something that happens meanwhile. */
  readonly onDone?: () => void;
  readonly atMs?: readonly [number, () => void];
}

/** One reply over models that do as they are told, and all that was told about it. */
async function converse(scripts: readonly (LlmScript & { traits?: Partial<LlmTraits> })[], options: Options = {}) {
  const clock = new FakeClock();
  const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
  const seen = {
    asked: [] as string[],
    hedges: [] as string[],
    failures: [] as string[],
    switches: [] as string[],
    exhausted: 0,
  };
  const links = scripts.map(({ traits, ...script }, index): LlmLink => {
    const id = 'abcd'.charAt(index);
    const link = scriptedLlm({ clock, id, words: WORDS, script: () => script, onRequest: () => seen.asked.push(id) });
    return { ...link, traits: { ...link.traits, ...traits } };
  });
  const failover = new Failover('llm', links, {
    clock,
    board,
    random: () => 0.5,
    settings: { ...DEFAULT_FAILOVER, hedgeShare: options.hedgeShare ?? 0.05 },
    onHedge: ({ late, beside, outcome }) => seen.hedges.push(`${late} ${beside} ${outcome}`),
    onFailure: (_, provider, error) => seen.failures.push(`${provider} ${error.kind}`),
    onSwitch: ({ from, to }) => seen.switches.push(`${from} ${to}`),
    onExhausted: () => {
      seen.exhausted += 1;
    },
  });
  const request: LlmRequest = {
    messages: [{ role: 'user', text: 'hello' }],
    tools: [],
    toolChoice: 'auto',
    language: 'en-US',
    signal: new AbortController().signal,
    ...options.request,
  };
  const parts: LlmResult[] = [];
  const at: number[] = [];
  let doneMs: number | undefined;
  const done = (async () => {
    for await (const part of replyOverChain(failover, request)) {
      parts.push(part);
      at.push(clock.now());
    }
    doneMs = clock.now();
    options.onDone?.();
  })();
  if (options.atMs) clock.setTimeout(options.atMs[1], options.atMs[0]);
  await clock.advance(60_000);
  await done;
  const said = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return { ...seen, parts, said, at, doneMs, board, pending: clock.pending, types: parts.map(({ type }) => type) };
}

/** Silent for so long after the fourth word. */
const silentFor = (ms: number): LlmScript => ({ pauseMs: (index) => (index === 3 ? ms : 20) });

describe('a model that falls silent in mid-reply', () => {
  it('goes on itself where it is quicker than the standby, which is nobody’s failure', async () => {
    const { said, hedges, failures, switches, pending } = await converse([silentFor(900), { firstMs: 500 }]);
    expect(said).toBe(WHOLE);
    expect([hedges, failures, switches, pending]).toEqual([['a b lost'], [], [], 0]);
  });

  it('is overtaken by the standby where that is quicker, and not blamed for less than 1.5 s', async () => {
    const { said, hedges, failures, switches, at, pending } = await converse([silentFor(1_400), { firstMs: 200 }]);
    expect(said).toBe(WHOLE);
    expect((at[4] as number) - (at[3] as number)).toBe(700 + 200);
    expect([hedges, failures, switches, pending]).toEqual([['a b won'], [], [], 0]);
  });

  it('has failed after 1.5 s, by whom ever it was overtaken', async () => {
    const links: LlmScript[] = [{ fault: 'hang', after: 4 }, { firstMs: 200 }];
    const { said, hedges, failures, switches, board } = await converse(links);
    expect(said).toBe(WHOLE);
    expect([hedges, failures, switches]).toEqual([['a b won'], ['a timeout'], ['a b']]);
    expect(board.health('llm/b').breaker.kind).toBe('closed');
  });

  it('has failed even where the reader closes the reply as soon as it is complete, and so is one that was beaten', async () => {
    for (const after of [0, 4]) {
      const abort = new AbortController();
      const request = { signal: abort.signal };
      const onDone = () => abort.abort();
      const { said, failures } = await converse([{ fault: 'hang', after }, { firstMs: 200 }], { request, onDone });
      expect([said, failures]).toEqual([WHOLE, ['a timeout']]);
    }
  });

  it('and then fails, is followed by the standby that is under way already', async () => {
    const script: LlmScript = { ...silentFor(1_000), fault: 'unreachable', after: 4 };
    const { said, asked, hedges, switches, at } = await converse([script, { firstMs: 600 }]);
    expect(said).toBe(WHOLE);
    expect([asked, hedges, switches]).toEqual([['a', 'b'], ['a b won'], ['a b']]);
    expect((at[4] as number) - (at[3] as number)).toBe(700 + 600);
  });

  it('again and again, as are all others, loses nothing and opens no more than five', async () => {
    const halting: LlmScript = { pauseMs: (index) => (index % 3 === 2 ? 1_400 : 20) };
    const { said, asked, failures, exhausted, pending } = await converse([halting, { ...halting, firstMs: 650 }]);
    expect([said, failures, exhausted, pending]).toEqual([WHOLE, [], 0, 0]);
    expect(asked.length).toBeLessThanOrEqual(5);
  });

  it('is left by nobody when the caller interrupts meanwhile', async () => {
    const abort = new AbortController();
    const seen = converse([{ fault: 'hang', after: 4 }, { firstMs: 500 }], {
      request: { signal: abort.signal },
      atMs: [900, () => abort.abort()],
    });
    const { said, failures, exhausted, pending } = await seen;
    expect([said, failures, exhausted, pending]).toEqual(['w0 w1 w2 w3 ', [], 0, 0]);
  });

  it('is helped by whoever starts over, too', async () => {
    const { said } = await converse([
      { fault: 'hang', after: 4 },
      { firstMs: 200, onContinue: 'restart' },
    ]);
    expect(said).toBe(WHOLE);
  });

  it('is not helped by a worse class, nor beside one that runs tools itself, nor without budget', async () => {
    const reserve = await converse([silentFor(1_400), { traits: { isReserve: true } }]);
    const runsTools = await converse([silentFor(1_400), { traits: { runsTools: true } }], {
      request: { tools: [TOOL] },
    });
    const off = await converse([silentFor(1_400), {}], { hedgeShare: 0 });
    for (const { said, asked, failures } of [reserve, runsTools, off]) {
      expect([said, asked, failures]).toEqual([WHOLE, ['a'], []]);
    }
  });

  it('is followed by a worse class once it has failed', async () => {
    const { said, asked } = await converse([{ fault: 'hang', after: 4 }, { traits: { isReserve: true } }]);
    expect([said, asked]).toEqual([WHOLE, ['a', 'b']]);
  });
});

describe('every delta is progress', () => {
  it('of a tool call that is written for seconds', async () => {
    const call = { firstMs: 400, parts: [...progress('tool-call', 5), CALL], pauseMs: () => 500 };
    const { asked, types, failures } = await converse([call, {}], { request: { tools: [TOOL] } });
    expect([asked, types, failures]).toEqual([['a'], ['tool-call'], []]);
  });

  it('and a silence within a call has failed after 4 s', async () => {
    const call = { parts: [...progress('tool-call', 2), CALL], pauseMs: (index: number) => (index < 2 ? 3_500 : 20) };
    const { types, failures } = await converse([call, {}], { request: { tools: [TOOL] }, hedgeShare: 0 });
    expect([types, failures]).toEqual([['tool-call'], []]);
  });

  it('of a model that thinks for longer than any first answer may take', async () => {
    const script = { firstMs: 500, parts: [...progress('reasoning', 8), text('Yes.')], pauseMs: () => 1_000 };
    const { said, failures, switches } = await converse([script, {}], { hedgeShare: 0 });
    expect([said, failures, switches]).toEqual(['Yes.', [], []]);
  });

  it('and who thinks is helped as late as anybody else', async () => {
    const script = { firstMs: 300, parts: [...progress('reasoning', 90), text('Yes.')], pauseMs: () => 100 };
    const { said, hedges, failures } = await converse([script, { firstMs: 200 }], { hedgeShare: 1 });
    expect([said, hedges, failures]).toEqual([WHOLE, ['a b won'], []]);
  });

  it('one that shows nothing of a call is given the time to write it, before its first words and behind them', async () => {
    const traits = { callsComeWhole: true };
    const request = { tools: [TOOL] };
    const first = await converse([{ firstMs: 3_400, parts: [CALL], traits }, {}], { request, hedgeShare: 0 });
    const later = { parts: [text('One moment. '), CALL], pauseMs: () => 3_000, traits };
    const behind = await converse([later, {}], { request, hedgeShare: 0 });
    expect([first.types, first.failures]).toEqual([['tool-call'], []]);
    expect([behind.types, behind.failures]).toEqual([['text', 'tool-call'], []]);
  });
});

describe('the first token', () => {
  it('may come with the headers, after any connection would', async () => {
    const { said, failures, switches } = await converse([{ firstMs: 2_300 }, {}], { hedgeShare: 0 });
    expect([said, failures, switches]).toEqual([WHOLE, [], []]);
  });

  it('has failed after 3 s', async () => {
    const { said, failures, at } = await converse([{ fault: 'hang', after: 0 }, {}], { hedgeShare: 0 });
    expect([said, failures, at[0]]).toEqual([WHOLE, ['a timeout'], 3_050]);
  });
});

describe('the end of a reply', () => {
  const ended = (...rest: LlmPart[]): LlmPart[] => [text('All is well.'), { type: 'end' }, ...rest];
  const usage: LlmPart = { type: 'usage', promptTokens: 3, completionTokens: 4 };

  it('is where its vendor says so: nobody waits for usage that is late', async () => {
    const script = { parts: ended(usage), pauseMs: (index: number) => (index === 1 ? 5_000 : 0) };
    const { said, types, doneMs, asked, failures, pending } = await converse([script, {}]);
    expect([said, types, asked, failures]).toEqual(['All is well.', ['text', 'text'], ['a'], []]);
    expect(doneMs).toBeLessThanOrEqual(50 + 50);
    expect(pending).toBe(0);
  });

  it('is followed by its usage where that comes at once', async () => {
    const { types } = await converse([{ parts: ended(usage), pauseMs: () => 5 }]);
    expect(types).toEqual(['text', 'text', 'usage']);
  });

  it('is not gone on with when the connection breaks behind it', async () => {
    const { said, asked, failures } = await converse([{ parts: ended(), fault: 'unreachable', after: 2 }, {}]);
    expect([said, asked, failures]).toEqual(['All is well.', ['a'], []]);
  });

  it('that is suspect is asked about, once, and blamed on nobody', async () => {
    const cut: LlmScript = { parts: [text('w0 w1 w'), { type: 'end', isSuspect: true }] };
    const { said, asked, failures, switches } = await converse([cut, {}]);
    expect([said, asked, failures, switches]).toEqual(['w0 w1 w', ['a', 'a'], [], []]);
  });
});

describe('an empty reply', () => {
  it('is asked for once more at the same model, which is neutral', async () => {
    const clock = new FakeClock();
    const asked: string[] = [];
    const failures: string[] = [];
    const link = (id: string) =>
      scriptedLlm({
        clock,
        id,
        words: WORDS,
        script: (call) => (call === 1 ? { parts: [{ type: 'end' }] } : {}),
        onRequest: () => asked.push(id),
      });
    const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
    const onFailure = (_: string, provider: string) => void failures.push(provider);
    const failover = new Failover('llm', [link('a'), link('b')], { clock, board, onFailure });
    const { signal } = new AbortController();
    let said = '';
    const done = (async () => {
      const request = { messages: [], tools: [], toolChoice: 'auto', language: 'en-US', signal } as const;
      for await (const part of replyOverChain(failover, request)) if (part.type === 'text') said += part.text;
    })();
    await clock.advance(5_000);
    await done;
    expect([said, asked, failures]).toEqual([WHOLE, ['a', 'a'], []]);
  });

  it('is an answer after a tool’s result: nobody is billed again', async () => {
    const result = { role: 'tool-result', callId: 'c', name: 'book', output: 'done', isError: false } as const;
    const { said, asked, failures, exhausted } = await converse([{ parts: [{ type: 'end' }] }, {}], {
      request: { messages: [{ role: 'user', text: 'hang up' }, result] },
    });
    expect([said, asked, failures, exhausted]).toEqual(['', ['a'], [], 0]);
  });
});

describe('a refusal of the content', () => {
  it('is answered by another model, and no call but this one knows of it', async () => {
    const { said, board, exhausted } = await converse([{ fault: 'content-refusal', after: 0 }, {}]);
    expect([said, exhausted]).toEqual([WHOLE, 0]);
    expect([board.peek('llm/a'), board.health('llm/a').breaker.kind]).toEqual(['ready', 'closed']);
  });

  it('by every model is told in a sentence at once: no alarm, no rounds', async () => {
    const refused: LlmScript = { fault: 'content-refusal', after: 0 };
    const { said, asked, exhausted, doneMs } = await converse([refused, refused], { request: { language: 'fr-FR' } });
    expect(said).toBe('Désolé, je ne peux pas vous aider sur ce point.');
    expect([asked, exhausted]).toEqual([['a', 'b'], 0]);
    expect(doneMs).toBeLessThan(200);
  });

  it('in mid-reply, by one and then by all, ends it with that sentence', async () => {
    const { said, exhausted } = await converse([
      { fault: 'content-refusal', after: 2 },
      { fault: 'content-refusal', after: 0 },
    ]);
    expect([said, exhausted]).toEqual(["w0 w1 I'm sorry, I can't help with that.", 0]);
  });

  it('beside an outage is no outage either', async () => {
    const { said, exhausted } = await converse([
      { fault: 'content-refusal', after: 0 },
      { fault: 'quota', after: 0 },
    ]);
    expect([said, exhausted]).toEqual(["I'm sorry, I can't help with that.", 0]);
  });
});

describe('a turn below its class', () => {
  it('is told: the last resort serves while better models are in the chain', async () => {
    const served: unknown[] = [];
    const clock = new FakeClock();
    const well = scriptedLlm({ clock, id: 'free', words: WORDS, script: () => ({}) });
    const links = [
      scriptedLlm({ clock, id: 'a', words: WORDS, script: (call) => (call === 1 ? { fault: 'quota', after: 0 } : {}) }),
      { ...well, traits: { ...well.traits, isReserve: true } },
    ];
    const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
    const onServes = (...told: unknown[]) => void served.push(told);
    const failover = new Failover('llm', links, { clock, board, onServes });
    const { signal } = new AbortController();
    const done = (async () => {
      const request = { messages: [], tools: [], toolChoice: 'auto', language: 'en-US', signal } as const;
      for await (const _ of replyOverChain(failover, request));
    })();
    await clock.advance(5_000);
    await done;
    expect(served).toEqual([['llm', 'free', true]]);
  });
});
