// 2,000 turns with random faults at random moments, on a fake clock with a fixed seed: no word lost, none twice, no hang.
import { expect, it } from 'vitest';
import { Failover } from '../../../src/failover/failover.ts';
import { PROVIDER_ERROR_KINDS } from '../../../src/failover/provider-error.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { replyOverChain } from '../../../src/llm/chain/chain.ts';
import type { LlmLink } from '../../../src/llm/contract.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type LlmScript, scriptedLlm } from '../../support/scripted-llm.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const SEED = 20_261_121;
const TURNS = 2_000;
const WORDS = Array.from({ length: 12 }, (_, index) => `w${index} `);
const FAULTS = [...PROVIDER_ERROR_KINDS, 'hang', 'throw-other'] as const;

it(`loses no word in ${TURNS} turns (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const random = seededRandom(SEED);
  const clock = new FakeClock();
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const script = (): LlmScript => ({
    firstMs: random() < 0.1 ? 1_000 * random() : 100 * random(),
    onContinue: pick(['continue', 'restart']),
    ...(random() < 0.4 && { fault: pick(FAULTS), after: Math.floor(random() * WORDS.length) }),
  });
  const links: LlmLink[] = ['a', 'b', 'c'].map((id) => scriptedLlm({ clock, id, words: WORDS, script }));
  links.push(scriptedLlm({ clock, id: 'free', words: WORDS, script: () => ({ firstMs: 5, onContinue: 'restart' }) }));
  let switches = 0;
  const onSwitch = () => {
    switches += 1;
  };
  // A refused key is left alone until it is changed: so all are well again every few turns.
  const fresh = () =>
    new Failover('llm', links, { clock, board: new MemoryHealthBoard(DEFAULT_FAILOVER, clock), random, onSwitch });
  let failover = fresh();

  const wrong: string[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    if (turn % 4 === 0) failover = fresh();
    const abort = new AbortController();
    let text = '';
    let isDone = false;
    const request = { messages: [], tools: [], toolChoice: 'auto', language: 'en-US', signal: abort.signal } as const;
    const done = (async () => {
      for await (const part of replyOverChain(failover, request)) if (part.type === 'text') text += part.text;
      isDone = true;
    })();
    const interruptsAfterMs = random() < 0.1 ? 500 * random() : undefined;
    if (interruptsAfterMs !== undefined) clock.setTimeout(() => abort.abort(), interruptsAfterMs);
    for (let waits = 0; waits < 60 && !isDone; waits += 1) await clock.advance(500);
    if (!isDone) wrong.push(`turn ${turn} hangs after "${text}"`);
    abort.abort();
    await done;
    const whole = WORDS.join('');
    if (interruptsAfterMs === undefined ? text !== whole : !whole.startsWith(text))
      wrong.push(`turn ${turn}: "${text}"`);
  }
  await clock.advance(10_000);
  process.off('unhandledRejection', note);
  expect(wrong).toEqual([]);
  expect(unhandled).toEqual([]);
  expect(clock.pending).toBe(0);
  expect(switches).toBeGreaterThan(TURNS / 5);
});
