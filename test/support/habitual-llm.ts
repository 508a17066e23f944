// A language model on a fake clock that behaves as a real vendor does when nothing is wrong, by a seed; and breaks once where it is told.
// The numbers are those of the fixtures (fixtures/vendors/chat-habits.ts, gemini-habits.ts), which name their sources.
import { Habits } from '../../fixtures/habits.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import type { LlmLink, LlmPart, LlmRequest } from '../../src/llm/contract.ts';
import type { FakeClock } from './fake-clock.ts';

export interface HabitualReply {
  readonly text: string;
  /** JSON arguments of a call of the only tool; absent: no call. */
  readonly call?: string;
}

/** A fault of the next request, after this many of its parts. */
export interface HabitualFault {
  readonly kind: 'hang' | 'unreachable' | 'server' | 'malformed' | 'content-refusal' | 'silence';
  readonly after: number;
}

export interface HabitualOptions {
  readonly clock: FakeClock;
  readonly id: 'openai' | 'router' | 'gemini';
  readonly seed: number;
  /** What every such model answers. */
  readonly replyTo: (request: LlmRequest) => HabitualReply;
  readonly fault?: () => HabitualFault | undefined;
  readonly onRequest?: () => void;
}

interface Step {
  readonly waitMs: number;
  readonly part: LlmPart;
}

const FIRST = {
  openai: { p50Ms: 450, p95Ms: 1_100, maxMs: 2_300 },
  router: { p50Ms: 650, p95Ms: 1_700, maxMs: 2_800 },
  gemini: { p50Ms: 500, p95Ms: 1_200, maxMs: 2_500 },
};
const DELTA = {
  openai: { p50Ms: 20, p95Ms: 80, maxMs: 900 },
  router: { p50Ms: 25, p95Ms: 120, maxMs: 1_200 },
  gemini: { p50Ms: 120, p95Ms: 350, maxMs: 1_200 },
};
const TYPICAL = { openai: 600, router: 600, gemini: 500 };
const TWO_TO_THREE_S = [2_000, 3_000] as const;

export function habitualLlm(options: HabitualOptions): LlmLink {
  const { clock, id, seed, replyTo, fault, onRequest } = options;
  const habits = new Habits(seed);
  async function* reply(request: LlmRequest): AsyncGenerator<LlmPart> {
    onRequest?.();
    const broken = fault?.();
    const steps = stepsOf(id, habits, rest(replyTo(request), request.continueFrom));
    for (const [index, { waitMs, part }] of steps.entries()) {
      if (broken?.after === index) {
        if (broken.kind === 'hang') await new Promise<never>(() => undefined);
        if (broken.kind === 'silence') await clock.sleep(1_400);
        else throw new ProviderError({ kind: broken.kind as 'server', provider: id, message: `${id} ${broken.kind}` });
      }
      await clock.sleep(waitMs);
      if (request.signal.aborted) return;
      yield part;
    }
  }
  const traits = { languages: 'any', typicalFirstMs: TYPICAL[id], callsComeWhole: id === 'gemini' } as const;
  return { id, traits, client: { close: async () => undefined, reply } };
}

function rest(reply: HabitualReply, begun = ''): HabitualReply {
  return { ...reply, text: reply.text.startsWith(begun) ? reply.text.slice(begun.length).trimStart() : reply.text };
}

function stepsOf(id: HabitualOptions['id'], habits: Habits, { text, call }: HabitualReply): Step[] {
  // Now and then a model has nothing to say.
  if (call === undefined && habits.chance(0.01)) return [{ waitMs: habits.latency(FIRST[id]), part: { type: 'end' } }];
  const steps: Step[] = [];
  const delta = () => habits.latency(DELTA[id]);
  const add = (part: LlmPart, waitMs = steps.length === 0 ? habits.latency(FIRST[id]) : delta()) =>
    steps.push({ waitMs, part });
  if (id === 'router' && habits.chance(0.1)) {
    for (let n = habits.between(3, 20); n > 0; n -= 1) add({ type: 'progress', of: 'reasoning' });
  }
  // The pieces are single tokens, or what was collected for a while, as Gemini always sends it.
  const [least, most] = id !== 'gemini' && habits.chance(0.5) ? [1, 5] : [15, 60];
  for (const piece of habits.pieces(text, least, most)) add({ type: 'text', text: piece });
  if (call !== undefined && id === 'gemini') addWhole(call);
  else if (call !== undefined) addInPieces(call);
  add({ type: 'end' }, habits.chance(0.5) ? 0 : delta());
  add(
    { type: 'usage', promptTokens: 10, completionTokens: steps.length },
    habits.chance(0.8) ? 2 : habits.between(100, 1_500),
  );
  return steps;

  function addWhole(args: string): void {
    const waitMs = habits.chance(0.5) ? habits.between(...TWO_TO_THREE_S) : undefined;
    add({ type: 'tool-call', call: { id: `g${habits.random()}`, name: 'book', arguments: args } }, waitMs);
  }

  function addInPieces(args: string): void {
    const pieces = habits.pieces(args, 1, 4);
    const totalMs = habits.between(300, 2_400);
    for (const _ of pieces)
      add({ type: 'progress', of: 'tool-call' }, steps.length === 0 ? undefined : totalMs / pieces.length);
    add({ type: 'tool-call', call: { id: `c${habits.random()}`, name: 'book', arguments: args } }, 0);
  }
}
