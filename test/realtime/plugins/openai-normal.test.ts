// Calls over an OpenAI that is merely normal, by seeds: its latencies, bursts, orders and late transcripts cause no switch, no failure,
// no connection beyond the help for answers that are late, and no word lost or twice.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { initializeLogger } from '@livekit/agents';
import { beforeAll, describe, it } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { eventually } from '../../support/eventually.ts';
import { RealtimeCalls, type Script } from '../support/calls.ts';

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);
/** Help may come from then on; a busy machine takes a little itself. */
const LATE_MS = 1_350;
const LATE_HANDSHAKE_MS = 400;
/** A machine that stands still for longer makes vendors late by itself: connections are not counted then. */
const STALL_MS = 150;

function watchMachine(): () => boolean {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return () => {
    delay.disable();
    return delay.max / 1e6 < STALL_MS;
  };
}

/** Asked for w5 it looks something up first. */
const script: Script = (heard, results) => {
  if (heard !== 'w5') return { text: `w20 ${heard} w21 w22`.split(/(?<=\s)/) };
  if (results.length === 0) return { toolCalls: [{ id: 'c1', name: 'look_up', arguments: '{"what":"w5"}' }] };
  return { text: ['w30 ', `${results.at(-1)} `] };
};

describe('nothing is wrong', () => {
  it.for(SEEDS)('seed %i', { timeout: 60_000 }, async (seed, { expect: check }) => {
    const calls = await RealtimeCalls.start({ openai: { habits: new Habits(seed) } });
    calls.script = script;
    const keptTime = watchMachine();
    try {
      // As Gemini is: 1.5 s from voice to voice (T).
      calls.gemini.faults.fail({ kind: 'slow', delayMs: 1_200 }, Number.POSITIVE_INFINITY);
      const person = await calls.call('OpenAI Realtime', 'Gemini Live');
      await person.say([1, 2, 3]);
      check((await person.reply(0)).words).toEqual([20, 1, 2, 3, 21, 22]);
      await person.say([5]);
      const [made] = (await person.reply(1)).calls;
      await person.give(made as NonNullable<typeof made>, 'w6');
      check((await person.ask()).words).toEqual([30, 6]);
      await person.say([7, 8]);
      check((await person.reply(3)).words).toEqual([20, 7, 8, 21, 22]);
      await eventually('all words are told', () => person.heard.length === 3, 10_000);
      check(person.heard).toEqual(['w1 w2 w3', 'w5', 'w7 w8']);
      check(person.replies).toHaveLength(4);
      check(person.errors).toEqual([]);
      check([calls.failures, calls.switches, calls.exhausted]).toEqual([[], [], []]);
      if (!keptTime()) return;
      const late = calls.openai.sessions.flatMap(({ responses }) =>
        responses.filter(({ thinkMs }) => thinkMs > LATE_MS),
      );
      const slow = calls.openai.handshakesMs.filter((ms) => ms > LATE_HANDSHAKE_MS);
      check(calls.openai.sessions).toHaveLength(1);
      check(calls.gemini.sessions.length).toBeLessThanOrEqual(late.length + slow.length);
      check(calls.hedges.filter((outcome) => outcome === 'won')).toEqual([]);
    } finally {
      await calls.close();
    }
  });
});

describe('another session takes over with a long history while its handshakes and confirmations are slow', () => {
  it.for(SEEDS.slice(0, 4))('seed %i', { timeout: 60_000 }, async (seed, { expect: check }) => {
    const calls = await RealtimeCalls.start({ openai: { habits: new Habits(seed) } });
    calls.script = script;
    const keptTime = watchMachine();
    try {
      const person = await calls.call('Gemini Live', 'OpenAI Realtime');
      await person.say([1, 2]);
      await person.reply(0);
      calls.gemini.faults.fail({ kind: 'status', status: 401 }, Number.POSITIVE_INFINITY);
      calls.gemini.breakWhen('thinking', { kind: 'drop', after: 0, code: 1011 });
      await person.say([3, 4]);
      check((await person.reply(1)).words).toEqual([20, 3, 4, 21, 22]);
      await eventually('all words are told', () => person.heard.length === 2, 10_000);
      check(person.heard).toEqual(['w1 w2', 'w3 w4']);
      check(calls.failures).not.toContain('timeout');
      if (keptTime()) check(calls.openai.sessions).toHaveLength(1);
    } finally {
      await calls.close();
    }
  });
});
