// The chain of language models on a fake clock: every word of a reply once, whatever fails and when.
import { describe, expect, it } from 'vitest';
import { Failover, type Hedge, type Switch } from '../../../src/failover/failover.ts';
import { PROVIDER_ERROR_KINDS, ProviderError } from '../../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { replyOverChain } from '../../../src/llm/chain/chain.ts';
import type { LlmLink, LlmPart, LlmRequest } from '../../../src/llm/contract.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { type LlmScript, scriptedLlm } from '../../support/scripted-llm.ts';

const REPLY = Array.from({ length: 24 }, (_, index) => `w${index} `);
class Bench {
  readonly clock = new FakeClock();
  readonly board = new MemoryHealthBoard(DEFAULT_FAILOVER, this.clock);
  readonly asked: string[] = [];
  readonly requests: LlmRequest[] = [];
  readonly switches: Switch[] = [];
  readonly hedges: Hedge[] = [];
  readonly failures: string[] = [];
  exhausted = 0;

  link(id: string, script: LlmScript | ((call: number) => LlmScript) = {}): LlmLink {
    return scriptedLlm({
      clock: this.clock,
      id,
      words: REPLY,
      script: typeof script === 'function' ? script : () => script,
      onRequest: (request) => {
        this.asked.push(id);
        this.requests.push(request);
      },
    });
  }

  failover(links: readonly LlmLink[], hedgeShare = 0): Failover<LlmLink> {
    return new Failover('llm', links, {
      clock: this.clock,
      board: this.board,
      random: () => 0.5,
      settings: { ...DEFAULT_FAILOVER, hedgeShare },
      onSwitch: (event) => this.switches.push(event),
      onHedge: (event) => this.hedges.push(event),
      onFailure: (_stage, provider, error) => this.failures.push(`${provider} ${error.kind}`),
      onExhausted: () => {
        this.exhausted += 1;
      },
    });
  }

  async run(failover: Failover<LlmLink>, changes: Partial<LlmRequest> = {}) {
    const parts: LlmPart[] = [];
    let error: unknown;
    let firstMs: number | undefined;
    const startedMs = this.clock.now();
    const request: LlmRequest = {
      messages: [{ role: 'user', text: 'hello' }],
      tools: [],
      toolChoice: 'auto',
      language: 'en-US',
      signal: new AbortController().signal,
      ...changes,
    };
    const done = (async () => {
      for await (const part of replyOverChain(failover, request)) {
        firstMs ??= this.clock.now() - startedMs;
        parts.push(part);
      }
    })().catch((reason: unknown) => {
      error = reason;
    });
    await this.clock.advance(60_000);
    await done;
    const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
    return { parts, text, error, firstMs };
  }
}

const WHOLE = REPLY.join('');

describe('a reply over a chain', () => {
  it('comes from the first link while it is well', async () => {
    const bench = new Bench();
    const { text } = await bench.run(bench.failover([bench.link('a'), bench.link('b')]));
    expect(text).toBe(WHOLE);
    expect(bench.asked).toEqual(['a']);
    expect(bench.clock.pending).toBe(0);
  });

  const faults = [...PROVIDER_ERROR_KINDS, 'hang', 'throw-other'] as const;
  const moments = [0, 1, 11, 23];
  const cases = faults.flatMap((fault) => moments.map((after) => ({ fault, after })));
  it.each(cases)('is whole when the first link fails ($fault after $after words)', async ({ fault, after }) => {
    const bench = new Bench();
    const { text, error } = await bench.run(bench.failover([bench.link('a', { fault, after }), bench.link('b')]));
    expect(error).toBeUndefined();
    expect(text).toBe(WHOLE);
    expect(bench.switches).toHaveLength(1);
    expect(bench.switches[0]).toMatchObject({ from: 'a', to: 'b', stage: 'llm' });
    expect(bench.clock.pending).toBe(0);
  });

  it.each(cases)('is whole when the next one starts over ($fault after $after words)', async ({ fault, after }) => {
    const bench = new Bench();
    const links = [bench.link('a', { fault, after }), bench.link('b', { onContinue: 'restart' })];
    expect((await bench.run(bench.failover(links))).text).toBe(WHOLE);
  });

  it('asks the same provider once more only where the table says so and nothing was given', async () => {
    for (const kind of PROVIDER_ERROR_KINDS) {
      for (const after of [0, 3]) {
        const bench = new Bench();
        await bench.run(bench.failover([bench.link('a', { fault: kind, after }), bench.link('b')]));
        const isTwice = after === 0 && (kind === 'server' || kind === 'unreachable');
        expect([kind, after, bench.asked]).toEqual([kind, after, isTwice ? ['a', 'a', 'b'] : ['a', 'b']]);
      }
    }
  });

  it('keeps a first token that was only late because of one broken connection', async () => {
    const bench = new Bench();
    const a = bench.link('a', (call) =>
      call === 1 ? { fault: 'unreachable', after: 0, firstMs: 1 } : { firstMs: 10 },
    );
    const { text } = await bench.run(bench.failover([a, bench.link('b')]));
    expect(text).toBe(WHOLE);
    // The next one was started beside it, as nobody waits for a second failure.
    expect(bench.asked).toEqual(['a', 'a', 'b']);
    expect(bench.switches).toEqual([]);
  });

  it.each(PROVIDER_ERROR_KINDS)('refused by %s, waits for nothing but the next provider’s own time', async (kind) => {
    const bench = new Bench();
    const links = [bench.link('a', { fault: kind, after: 0, firstMs: 0 }), bench.link('b', { firstMs: 50 })];
    expect((await bench.run(bench.failover(links))).firstMs).toBe(50);
    expect(bench.switches).toMatchObject([{ kind, tookMs: 50 }]);
  });

  it('waits for no second chance either, when the next one is refused too', async () => {
    const bench = new Bench();
    const a = bench.link('a', (call) => ({ fault: call === 1 ? 'server' : 'hang', after: 0, firstMs: 0 }));
    const links = [a, bench.link('b', { fault: 'auth', after: 0, firstMs: 0 }), bench.link('c', { firstMs: 50 })];
    expect((await bench.run(bench.failover(links))).firstMs).toBe(50);
    expect(bench.asked).toEqual(['a', 'a', 'b', 'c']);
  });

  it('that runs tools itself is never asked for twice at once', async () => {
    const tools = [{ name: 'book', description: '', parameters: {} }];
    const made = (id: string, bench: Bench) => {
      const link = bench.link(id, id === 'a' ? { fault: 'server', after: 0 } : {});
      return { ...link, traits: { ...link.traits, runsTools: true } };
    };
    const bench = new Bench();
    await bench.run(bench.failover([made('a', bench), made('b', bench)], 0.05), { tools });
    expect(bench.asked).toEqual(['a', 'b']);
    // Also not where the first one is only tried again after its outage.
    const trial = new Bench();
    const failure = { kind: 'server', message: 'down' } as const;
    trial.board.report('llm/b', { type: 'failure', trial: false, checkable: true, failure });
    trial.board.report('llm/b', { type: 'check-passed' });
    await trial.run(trial.failover([made('b', trial), made('c', trial)], 0.05), { tools });
    expect(trial.asked).toEqual(['b']);
  });

  it('is finished at once by the one that was beaten, where the winner breaks', async () => {
    const bench = new Bench();
    const a = bench.link('a', { firstMs: 800, fault: 'server', after: 3 });
    const links = [a, bench.link('b', { firstMs: 300 })];
    const { text } = await bench.run(bench.failover(links, 1));
    expect(text).toBe(WHOLE);
    expect(bench.hedges).toMatchObject([{ outcome: 'lost' }]);
    expect(bench.exhausted).toBe(0);
  });

  it('goes through three links in one reply', async () => {
    const bench = new Bench();
    const links = ['a', 'b', 'c'].map((id) => bench.link(id, { fault: 'server', after: 6 }));
    const { text } = await bench.run(bench.failover([...links, bench.link('d')]));
    expect(text).toBe(WHOLE);
    expect(bench.switches.map(({ to }) => to)).toEqual(['b', 'c', 'd']);
  });

  it('waits for no provider that hangs longer than its deadline, and with a hedge less', async () => {
    const alone = new Bench();
    const late = await alone.run(alone.failover([alone.link('a', { fault: 'hang', after: 0 }), alone.link('b')]));
    expect(late.firstMs).toBeLessThanOrEqual(3_000 + 80);
    const hedged = new Bench();
    const links = [hedged.link('a', { fault: 'hang', after: 0 }), hedged.link('b')];
    const sooner = await hedged.run(hedged.failover(links, 0.05));
    // The first hang of a call: the budget has nothing for who is merely late.
    expect(sooner.firstMs).toBeLessThanOrEqual(1_200 + 80);
    expect(hedged.hedges).toEqual([{ stage: 'llm', late: 'a', beside: 'b', outcome: 'won' }]);
    // Beaten and never heard of: found out all the same.
    expect(hedged.failures).toEqual(['a timeout']);
  });

  it('lets the second call skip what the first one found broken', async () => {
    const bench = new Bench();
    const make = () => [bench.link('a', { fault: 'server', after: 0 }), bench.link('b')];
    await bench.run(bench.failover(make()));
    bench.asked.length = 0;
    const parts: LlmPart[] = [];
    const request = {
      messages: [],
      tools: [],
      toolChoice: 'auto',
      language: 'en-US',
      signal: new AbortController().signal,
    } as const;
    const second = new MemoryHealthBoard(DEFAULT_FAILOVER, bench.clock);
    second.report('llm/a', {
      type: 'failure',
      trial: false,
      checkable: false,
      failure: { kind: 'server', message: 'down' },
    });
    const failover = new Failover('llm', make(), { clock: bench.clock, board: second });
    const done = (async () => {
      for await (const part of replyOverChain(failover, request)) parts.push(part);
    })();
    await bench.clock.advance(2_000);
    await done;
    expect(bench.asked).toEqual(['b']);
    expect(parts).toHaveLength(REPLY.length);
  });

  it('keeps trying when all fail, and tells so', async () => {
    const bench = new Bench();
    const a = bench.link('a', (call) => (call < 4 ? { fault: 'server', after: 0 } : {}));
    const { text, error } = await bench.run(bench.failover([a]));
    expect(error).toBeUndefined();
    expect(text).toBe(WHOLE);
  });

  it('fails at last with the provider’s own error', async () => {
    const bench = new Bench();
    const { error } = await bench.run(bench.failover([bench.link('a', { fault: 'auth', after: 0 })]));
    expect(error).toBeInstanceOf(ProviderError);
    expect(bench.clock.pending).toBe(0);
  });
});

describe('tool calls', () => {
  const call = (id: string, args = '{}') => ({
    type: 'tool-call' as const,
    call: { id, name: 'book', arguments: args },
  });
  const calls = (parts: readonly LlmPart[]) =>
    parts.flatMap((part) => (part.type === 'tool-call' ? [part.call.id] : []));

  it('come once, all from the provider that finished', async () => {
    const bench = new Bench();
    const a = bench.link('a', {
      parts: [{ type: 'text', text: 'One moment. ' }, call('a1'), call('a2')],
      fault: 'server',
      after: 2,
    });
    const b = bench.link('b', { parts: [call('b1'), call('b2')] });
    const { parts, text } = await bench.run(bench.failover([a, b]));
    expect(text).toBe('One moment. ');
    expect(calls(parts)).toEqual(['b1', 'b2']);
    expect(bench.requests[1]?.continueFrom).toBe('One moment.');
  });

  it('that are all a reply has to say are no failure', async () => {
    const bench = new Bench();
    const { parts } = await bench.run(bench.failover([bench.link('a', { parts: [call('a1')] }), bench.link('b')]));
    expect(calls(parts)).toEqual(['a1']);
    expect(bench.failures).toEqual([]);
  });

  it('with arguments that nobody can read are asked for again', async () => {
    const bench = new Bench();
    const links = [bench.link('a', { parts: [call('a1', '{"na')] }), bench.link('b', { parts: [call('b1')] })];
    const { parts } = await bench.run(bench.failover(links));
    expect(calls(parts)).toEqual(['b1']);
    expect(bench.failures).toEqual(['a malformed']);
  });
});

describe('what is no failure', () => {
  it.each([0, 60, 400])('the caller interrupts after %i ms', async (ms) => {
    const bench = new Bench();
    const abort = new AbortController();
    const failover = bench.failover([bench.link('a'), bench.link('b')]);
    bench.clock.setTimeout(() => abort.abort(), ms);
    const { error } = await bench.run(failover, { signal: abort.signal });
    expect(error).toBeUndefined();
    expect(bench.failures).toEqual([]);
    expect(bench.board.peek('llm/a')).toBe('ready');
    expect(bench.clock.pending).toBe(0);
  });

  it('the reader leaves in mid-reply', async () => {
    const bench = new Bench();
    const failover = bench.failover([bench.link('a'), bench.link('b')]);
    const signal = new AbortController().signal;
    const reply = replyOverChain(failover, { messages: [], tools: [], toolChoice: 'auto', language: 'en-US', signal });
    const first = reply.next();
    await bench.clock.advance(200);
    expect((await first).value).toEqual({ type: 'text', text: 'w0 ' });
    await reply.return(undefined);
    await settle();
    expect(bench.failures).toEqual([]);
    expect(bench.clock.pending).toBe(0);
  });

  it('nobody has anything to say', async () => {
    const bench = new Bench();
    const { text, error } = await bench.run(
      bench.failover([bench.link('a', { parts: [] }), bench.link('b', { parts: [] })]),
    );
    expect(text).toBe('');
    expect(error).toBeUndefined();
  });
});
