// Speech-to-speech vendors fail in a real call in a real room: every word of both sides is counted, at the caller's ear and in
// the conversation.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../fixtures/faults.ts';
import { eventually } from '../support/eventually.ts';
import { type LinkName, type RealtimeCall, type RealtimeCalls, startRealtimeCalls } from './support/realtime-calls.ts';
import type { RealtimeVendors } from './support/realtime-vendors.ts';
import { always } from './support/vendor-calls.ts';

interface FailingTurn {
  readonly name: string;
  /** Before the caller begins to speak. */
  readonly atTurn?: (call: RealtimeCall, vendors: RealtimeVendors) => void;
  /** Once the reply is heard. */
  readonly inReply?: (vendors: RealtimeVendors) => void;
  /** So often the reply is broken: the word that broke may be said once more. */
  readonly breaks?: number;
  /** Who serves the rest of the call. */
  readonly serves: LinkName;
  /** Nothing fails. */
  readonly isWell?: true;
  /** The longest silence within the reply is told. */
  readonly hasSilence?: true;
}

interface FailingCall {
  readonly title: string;
  readonly order: readonly LinkName[];
  /** Before the call begins. */
  readonly before?: (vendors: RealtimeVendors) => void;
  readonly turns: readonly FailingTurn[];
}

const unavailable: Fault = { kind: 'status', status: 503 };

const CALLS: readonly FailingCall[] = [
  {
    title: 'OpenAI first',
    order: ['openai', 'gemini', 'pipeline'],
    turns: [
      {
        name: '15. the socket is dropped in mid-reply',
        atTurn: (call) => call.breakWhen('speaking', { kind: 'drop', after: 5 }),
        breaks: 1,
        serves: 'openai',
        hasSilence: true,
      },
      {
        name: '15. the session expires in mid-reply',
        atTurn: (call) =>
          call.breakWhen('speaking', { kind: 'error-event', after: 8, code: 'session_expired', closeCode: 1001 }),
        breaks: 1,
        serves: 'openai',
      },
      {
        name: '7. closed (1011) while the caller speaks',
        atTurn: (call) => call.breakWhen('listening', { kind: 'drop', after: 2, code: 1011 }),
        serves: 'openai',
      },
      {
        name: '15. server_error instead of a reply',
        atTurn: (call) => call.breakWhen('thinking', { kind: 'status', status: 500 }),
        serves: 'openai',
      },
      {
        name: '15. rate limit: the other vendor',
        atTurn: (call) => call.breakWhen('thinking', { kind: 'status', status: 429 }),
        serves: 'gemini',
      },
    ],
  },
  {
    title: 'Gemini first',
    order: ['gemini', 'openai', 'pipeline'],
    turns: [
      {
        name: '15. goAway in mid-reply',
        inReply: ({ gemini }) => gemini.goAway(500),
        breaks: 1,
        serves: 'gemini',
        isWell: true,
      },
      {
        name: '7. closed (1006) in mid-reply',
        atTurn: (call) => call.breakWhen('speaking', { kind: 'drop', after: 5 }),
        breaks: 1,
        serves: 'gemini',
        hasSilence: true,
      },
      {
        name: '6. silent on an open socket in mid-reply',
        atTurn: (call) => call.breakWhen('speaking', { kind: 'stall', after: 5 }),
        breaks: 1,
        serves: 'openai',
      },
      {
        name: '9. malformed JSON in mid-reply, and the pipeline behind it',
        atTurn: (call) => call.breakWhen('speaking', { kind: 'malformed-json', after: 5 }),
        breaks: 1,
        serves: 'pipeline',
      },
    ],
  },
  {
    title: 'three switches, the last two within one turn, to the pipeline',
    order: ['openai', 'gemini', 'pipeline'],
    turns: [
      {
        name: '9. malformed audio in mid-reply',
        atTurn: (call) => call.breakWhen('speaking', { kind: 'malformed-audio', after: 5 }),
        breaks: 1,
        serves: 'gemini',
      },
      {
        name: '14. both vendors die while the caller speaks',
        atTurn: (call, { openai, gemini }) => {
          call.breakWhen('listening', { kind: 'drop', after: 2, code: 1011 });
          for (const vendor of [openai, gemini]) vendor.faults.fail(unavailable, always);
        },
        serves: 'pipeline',
      },
      { name: '15. the pipeline goes on', serves: 'pipeline', isWell: true },
    ],
  },
  {
    title: 'both vendors die between two turns',
    order: ['gemini', 'openai', 'pipeline'],
    turns: [
      {
        name: '15. the pipeline has the next turn',
        atTurn: (call, { openai, gemini }) => {
          for (const vendor of [openai, gemini]) vendor.faults.fail(unavailable, always);
          call.breakWhen('idle', { kind: 'drop', after: 0, code: 1006 });
        },
        serves: 'pipeline',
      },
      { name: '15. the pipeline goes on', serves: 'pipeline', isWell: true },
    ],
  },
  {
    title: 'from its beginning',
    order: ['openai', 'gemini', 'pipeline'],
    before: ({ openai, gemini }) => {
      openai.faults.fail({ kind: 'status', status: 401 }, always);
      gemini.faults.fail({ kind: 'black-hole' }, always);
    },
    turns: [
      {
        name: '6. and 8. a refused key and a connection that never stands: the pipeline had greeted',
        serves: 'pipeline',
        isWell: true,
      },
    ],
  },
];

let calls: RealtimeCalls;
beforeAll(async () => {
  calls = await startRealtimeCalls();
});
afterAll(() => calls?.stop());

describe.each(CALLS)('one call with a failure in every turn: $title', ({ order, before, turns }) => {
  let call: RealtimeCall;
  beforeAll(async () => {
    calls.mend();
    before?.(calls.vendors);
    call = await calls.join(...order);
    // A connection that never stands has failed after 5 s, when somebody else serves already.
    if (before) await eventually('both have failed', () => call.failures().length >= 2, 20_000);
  });
  afterAll(() => call?.caller.leave());

  it.each(turns)('$name: nothing lost, nothing twice', async (failing) => {
    const { atTurn, inReply, breaks = 0, serves, isWell, hasSilence } = failing;
    calls.mend();
    const messages = call.conversation('caller').length;
    const failures = call.failures().length;
    atTurn?.(call, calls.vendors);
    const turn = await call.say();
    if (inReply) {
      expect(await call.caller.waitUntil(() => call.tonesSince(turn.sinceMs).length >= 1, 20_000)).toBe(true);
      inReply(calls.vendors);
    }
    await call.expectAnswered(turn, { breaks });
    expect(call.conversation('caller')).toHaveLength(messages + 1);
    expect(call.failures().length > failures).toBe(!isWell);
    expect(call.serving).toBe(serves);
    if (hasSilence) process.stdout.write(`longest silence within the reply: ${Math.round(call.silenceMs(turn))} ms\n`);
    call.expectUnharmed();
  });
});
