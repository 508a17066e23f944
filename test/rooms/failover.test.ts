// Providers fail in a real call in a real room: every word of both sides is counted, at the caller's ear and in the
// conversation.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../fixtures/faults.ts';
import { always, startVendorCalls, type VendorCall, type VendorCalls, type Vendors } from './support/vendor-calls.ts';

const CHAINS = { stt: ['deepgram', 'google'], llm: ['openrouter', 'openai'], tts: ['cartesia', 'elevenlabs'] };

interface Scenario {
  readonly name: string;
  /** Before the call begins. */
  readonly before?: (vendors: Vendors) => void;
  /** As the caller's turn begins. */
  readonly atTurn?: (vendors: Vendors) => void;
  /** Once so much of it was said. */
  readonly inTurn?: { readonly afterMs: number; readonly run: (vendors: Vendors) => void };
  readonly switches: readonly string[];
}

const quota: Fault = { kind: 'status', status: 402, message: 'Payment required.' };

const SCENARIOS: readonly Scenario[] = [
  { name: '1. normal operation', switches: [] },
  {
    name: '2. TTS quota exceeded (402) before the sentence',
    atTurn: ({ cartesia }) => cartesia.faults.fail(quota, always),
    switches: ['tts cartesia → elevenlabs quota'],
  },
  {
    name: '2. TTS quota exceeded (402) in mid-sentence',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'error-event', after: 12, status: 402 }),
    switches: ['tts cartesia → elevenlabs quota'],
  },
  {
    name: '3. STT drop in mid-utterance',
    inTurn: { afterMs: 1_500, run: ({ deepgram }) => deepgram.faults.breakNow({ kind: 'drop', after: 0, code: 1011 }) },
    switches: ['stt deepgram → google server'],
  },
  {
    name: '4. LLM rate limit (429) without Retry-After',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'status', status: 429 }, always),
    switches: ['llm openrouter → openai rate-limit'],
  },
  {
    name: '4. LLM rate limit (429) with Retry-After',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'status', status: 429, retryAfterS: 30 }, always),
    switches: ['llm openrouter → openai rate-limit'],
  },
  {
    name: '6. STT hangs at connect',
    before: ({ deepgram }) => deepgram.faults.fail({ kind: 'black-hole' }, always),
    switches: ['stt deepgram → google timeout'],
  },
  {
    name: '6. STT goes silent in mid-utterance',
    inTurn: { afterMs: 1_000, run: ({ deepgram }) => deepgram.faults.breakNow({ kind: 'stall', after: 0 }) },
    switches: ['stt deepgram → google timeout'],
  },
  {
    name: '6. LLM goes silent in mid-reply',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'stall', after: 5 }),
    switches: ['llm openrouter → openai timeout'],
  },
  {
    name: '6. TTS goes silent in mid-reply',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'stall', after: 12 }, always),
    switches: ['tts cartesia → elevenlabs timeout'],
  },
  {
    name: '7. TTS websocket closed in mid-reply (1006)',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'drop', after: 12 }),
    switches: ['tts cartesia → elevenlabs unreachable'],
  },
  {
    name: '7. LLM stream lost in mid-reply',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'drop', after: 5 }),
    switches: ['llm openrouter → openai unreachable'],
  },
  {
    name: '7. TTS ends early (1000)',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'end-early', after: 12 }),
    switches: ['tts cartesia → elevenlabs unreachable'],
  },
  {
    name: '8. LLM key refused',
    atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'status', status: 401 }, always),
    switches: ['llm openrouter → openai auth'],
  },
  {
    name: '9. malformed audio in mid-reply',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'malformed-audio', after: 12 }),
    switches: ['tts cartesia → elevenlabs malformed'],
  },
  {
    name: '12. TTS trickles',
    atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'trickle', after: 8, everyMs: 400 }, always),
    switches: ['tts cartesia → elevenlabs timeout'],
  },
  {
    name: '14. three switches within one call',
    atTurn: ({ cartesia, openrouter }) => {
      cartesia.faults.fail({ kind: 'drop', after: 12 });
      openrouter.faults.fail({ kind: 'drop', after: 4 });
    },
    inTurn: { afterMs: 1_000, run: ({ deepgram }) => deepgram.faults.breakNow({ kind: 'drop', after: 0, code: 1006 }) },
    switches: [
      'stt deepgram → google unreachable',
      'llm openrouter → openai unreachable',
      'tts cartesia → elevenlabs unreachable',
    ],
  },
];

describe('a call whose providers fail', () => {
  let calls: VendorCalls;
  let call: VendorCall;

  beforeAll(async () => {
    calls = await startVendorCalls(CHAINS);
  });
  afterAll(() => calls?.stop());
  beforeEach(() => calls.mend());
  afterEach(() => call?.caller.leave());

  it.each(SCENARIOS)('$name: nothing lost, nothing twice', async ({ before, atTurn, inTurn, switches }) => {
    const { vendors } = calls;
    before?.(vendors);
    call = await calls.join();
    atTurn?.(vendors);
    const turn = await call.say(inTurn && { afterMs: inTurn.afterMs, run: () => inTurn.run(vendors) });
    await call.expectWhole(turn);
    expect(call.conversation('caller')).toHaveLength(1);
    await call.expectSwitches(0, switches);
  });
});
