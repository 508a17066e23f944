// 50 calls over models with the habits of real vendors, on a fake clock: nothing is taken for a failure, and one fault loses nothing.
import { describe, expect, it } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { Failover } from '../../../src/failover/failover.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { replyOverChain } from '../../../src/llm/chain/chain.ts';
import type { LlmMessage, LlmRequest } from '../../../src/llm/contract.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type HabitualFault, habitualLlm } from '../../support/habitual-llm.ts';

const SEEDS = Array.from({ length: 50 }, (_, index) => 20_261_201 + index);
const TURNS = 20;
/** From the end of a reply to the next question. */
const LISTENS_MS = 8_000;
const TOOL = { name: 'book', description: 'Books.', parameters: {} };
const ORDERS = [
  ['router', 'openai', 'gemini'],
  ['openai', 'gemini', 'router'],
  ['gemini', 'router', 'openai'],
] as const;

/** Two sentences; every word once in the whole call. */
function sentences(turn: number): string {
  const words = (sentence: string) => Array.from({ length: 9 }, (_, index) => `w${turn}${sentence}${index}`).join(' ');
  return `${words('a')}. ${words('b')}.`;
}

function answer({ messages }: LlmRequest) {
  const last = messages.at(-1);
  const turn = messages.filter(({ role }) => role === 'user').length;
  if (last?.role === 'tool-result') return { text: sentences(turn) };
  if (turn % 4 !== 3) return { text: sentences(turn) };
  return {
    text: turn % 8 === 3 ? 'One moment, please. ' : '',
    call: JSON.stringify({ turn, note: 'a rather long one' }),
  };
}

class Call {
  readonly clock = new FakeClock();
  readonly counts = { switches: 0, failures: 0, exhausted: 0, hedges: 0, requests: 0, replies: 0 };
  readonly wrong: string[] = [];
  readonly #failover: Failover<ReturnType<typeof habitualLlm>>;
  readonly #messages: LlmMessage[] = [];

  constructor(seed: number, fault?: () => HabitualFault | undefined) {
    const { clock, counts } = this;
    const links = (ORDERS[seed % ORDERS.length] as (typeof ORDERS)[number]).map((id, place) =>
      habitualLlm({
        clock,
        id,
        seed: seed * 10 + place,
        replyTo: answer,
        onRequest: () => {
          counts.requests += 1;
        },
        ...(fault && place === 0 && { fault }),
      }),
    );
    this.#failover = new Failover('llm', links, {
      clock,
      board: new MemoryHealthBoard(DEFAULT_FAILOVER, clock),
      random: new Habits(seed).random.bind(new Habits(seed)),
      onSwitch: () => {
        counts.switches += 1;
      },
      onFailure: () => {
        counts.failures += 1;
      },
      onExhausted: () => {
        counts.exhausted += 1;
      },
      onHedge: () => {
        counts.hedges += 1;
      },
    });
  }

  async talk(): Promise<void> {
    for (let turn = 1; turn <= TURNS; turn += 1) {
      this.#messages.push({ role: 'user', text: `question ${turn}` });
      const { text, calls } = await this.#reply();
      const due = answer(this.#request());
      if (text.trim() !== due.text.trim()) this.wrong.push(`turn ${turn}: "${text}"`);
      if (calls.length !== (due.call === undefined ? 0 : 1)) this.wrong.push(`turn ${turn}: ${calls.length} calls`);
      const [call] = calls;
      if (call) await this.#tool(call, text, turn);
      await this.clock.advance(LISTENS_MS);
    }
  }

  async #tool(call: { id: string; name: string; arguments: string }, text: string, turn: number): Promise<void> {
    if (text !== '') this.#messages.push({ role: 'assistant', text });
    this.#messages.push({ role: 'tool-call', call });
    this.#messages.push({ role: 'tool-result', callId: call.id, name: call.name, output: 'booked', isError: false });
    const { text: after, calls } = await this.#reply();
    // Nothing to say after a tool is an answer.
    if (after !== '' && after.trim() !== sentences(turn)) this.wrong.push(`after the tool of turn ${turn}: "${after}"`);
    if (calls.length > 0) this.wrong.push(`turn ${turn}: called again`);
  }

  #request(): LlmRequest {
    const { signal } = new AbortController();
    return { messages: this.#messages, tools: [TOOL], toolChoice: 'auto', language: 'en-US', signal };
  }

  async #reply() {
    let text = '';
    const calls: { id: string; name: string; arguments: string }[] = [];
    let isDone = false;
    this.counts.replies += 1;
    const done = (async () => {
      for await (const part of replyOverChain(this.#failover, this.#request())) {
        if (part.type === 'text') text += part.text;
        if (part.type === 'tool-call') calls.push(part.call);
      }
      isDone = true;
    })();
    for (let waits = 0; waits < 120 && !isDone; waits += 1) await this.clock.advance(250);
    if (!isDone) this.wrong.push(`hangs after "${text}"`);
    else await done;
    return { text, calls };
  }
}

describe('models with the habits of real vendors', () => {
  const total = { requests: 0, hedges: 0, replies: 0 };

  it.each(SEEDS)('are never taken for failing ones (seed %i)', async (seed) => {
    const call = new Call(seed);
    await call.talk();
    const { switches, failures, exhausted, hedges, requests, replies } = call.counts;
    expect(call.wrong).toEqual([]);
    expect({ switches, failures, exhausted }).toEqual({ switches: 0, failures: 0, exhausted: 0 });
    const minutes = Math.ceil(call.clock.now() / 60_000);
    expect(hedges).toBeLessThanOrEqual(Math.max(3 * minutes, 0.05 * requests));
    total.requests += requests;
    total.hedges += hedges;
    total.replies += replies;
  });

  it('cost few requests more than replies', () => {
    process.stdout.write(
      `LLM, ${SEEDS.length} calls: ${total.replies} replies, ${total.requests} requests, ${total.hedges} hedges\n`,
    );
    expect(total.replies).toBeGreaterThan(SEEDS.length * TURNS);
  });

  const KINDS = ['hang', 'unreachable', 'server', 'malformed', 'content-refusal', 'silence'] as const;
  it.each(SEEDS)('lose no word and say none twice where one of them breaks now and then (seed %i)', async (seed) => {
    const habits = new Habits(seed + 1_000);
    const call = new Call(seed, () =>
      habits.chance(0.15) ? { kind: habits.pick(KINDS), after: Math.floor(habits.between(0, 12)) } : undefined,
    );
    await call.talk();
    expect(call.wrong).toEqual([]);
    expect(call.counts.exhausted).toBe(0);
  });
});
