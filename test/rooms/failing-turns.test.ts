// Calls in which something fails in every turn: every word of both sides is counted, at the caller's ear and in the
// conversation.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../fixtures/faults.ts';
import { always, startVendorCalls, type VendorCall, type VendorCalls, type Vendors } from './support/vendor-calls.ts';

const CHAINS = {
  stt: ['deepgram', 'google', 'whisper', 'free-stt'],
  llm: ['openrouter', 'openai', 'gemini', 'free-llm'],
  tts: ['cartesia', 'elevenlabs', 'silero', 'free-tts'],
};

interface FailingTurn {
  readonly name: string;
  /** As the turn begins. */
  readonly atTurn?: (vendors: Vendors) => void;
  /** Once the caller has said so much. */
  readonly inTurn?: { readonly afterMs: number; readonly run: (vendors: Vendors) => void };
  /** Those that are told in this turn. */
  readonly switches: readonly string[];
  /** The next provider may be asked beside a late one before its time is over: then it is heard, and no switch is told. */
  readonly mayHedge?: true;
}

const unavailable: Fault = { kind: 'status', status: 503 };
const IN_REPLY = 8;

function closing(codeOfStt: number, sttKind: string, codeOfTts: number, ttsSwitch: string): FailingTurn {
  return {
    name: `7. sockets closed: STT ${codeOfStt}, TTS ${codeOfTts}`,
    atTurn: ({ cartesia, elevenlabs }) => {
      const fault: Fault = { kind: 'drop', after: IN_REPLY, code: codeOfTts };
      (ttsSwitch.startsWith('tts cartesia') ? cartesia : elevenlabs).faults.fail(fault);
    },
    inTurn: {
      afterMs: 1_200,
      run: ({ deepgram }) => deepgram.faults.breakNow({ kind: 'drop', after: 0, code: codeOfStt }),
    },
    switches: [`stt deepgram → google ${sttKind}`, ttsSwitch],
  };
}

/** Each is one call: what failed once is left alone for the rest of it. */
const CALLS: readonly (readonly FailingTurn[])[] = [
  [
    closing(1000, 'unreachable', 1000, 'tts cartesia → elevenlabs unreachable'),
    closing(1012, 'server', 1011, 'tts elevenlabs → silero server'),
  ],
  [
    closing(1011, 'server', 1012, 'tts cartesia → elevenlabs server'),
    closing(1008, 'forbidden', 1008, 'tts elevenlabs → silero forbidden'),
  ],
  [
    {
      name: '6. LLM hangs at connect',
      atTurn: ({ openrouter }) => openrouter.faults.fail({ kind: 'black-hole' }, always),
      switches: ['llm openrouter → openai timeout'],
      mayHedge: true,
    },
    {
      name: '6. TTS hangs at connect',
      atTurn: ({ cartesia }) => cartesia.faults.fail({ kind: 'black-hole' }, always),
      switches: ['tts cartesia → elevenlabs timeout'],
      mayHedge: true,
    },
    {
      name: '12. LLM trickles',
      atTurn: ({ openai }) => openai.faults.fail({ kind: 'trickle', after: 3, everyMs: 1_500 }, always),
      switches: ['llm openai → gemini timeout'],
      mayHedge: true,
    },
    {
      name: '12. TTS is slow to begin',
      atTurn: ({ elevenlabs }) => elevenlabs.faults.fail({ kind: 'slow', delayMs: 4_000 }, always),
      switches: ['tts elevenlabs → silero timeout'],
      mayHedge: true,
    },
  ],
  [
    {
      name: '14. two switches within one utterance: STT',
      inTurn: {
        afterMs: 1_200,
        run: ({ deepgram, google }) => {
          google.faults.fail(unavailable, always);
          deepgram.faults.breakNow({ kind: 'drop', after: 0 });
        },
      },
      switches: ['stt deepgram → google unreachable', 'stt google → whisper server'],
    },
    {
      name: '14. two switches within one reply: LLM',
      atTurn: ({ openrouter, openai }) => {
        openrouter.faults.fail({ kind: 'drop', after: 4 }, always);
        openai.faults.fail({ kind: 'drop', after: 2 }, always);
      },
      switches: ['llm openrouter → openai unreachable', 'llm openai → gemini unreachable'],
    },
    {
      name: '14. two switches within one reply: TTS',
      atTurn: ({ cartesia, elevenlabs }) => {
        cartesia.faults.fail({ kind: 'drop', after: IN_REPLY });
        elevenlabs.faults.fail({ kind: 'drop', after: 2 });
      },
      switches: ['tts cartesia → elevenlabs unreachable', 'tts elevenlabs → silero unreachable'],
    },
  ],
];

let calls: VendorCalls;
beforeAll(async () => {
  calls = await startVendorCalls(CHAINS);
});
afterAll(() => calls?.stop());

describe.each(CALLS.map((turns) => ({ turns, of: turns.map(({ name }) => name.split('.')[0]).join(', ') })))(
  'one call with a failure in every turn ($of)',
  ({ turns }) => {
    let call: VendorCall;
    beforeAll(async () => {
      calls.mend();
      call = await calls.join();
    });
    afterAll(() => call?.caller.leave());

    it.each(turns)('$name: nothing lost, nothing twice', async ({ atTurn, inTurn, switches, mayHedge }) => {
      calls.mend();
      if (switches.some((told) => told.startsWith('stt deepgram'))) {
        expect(await call.servedBy('stt', 'deepgram')).toBe(true);
      }
      const before = call.switches().length;
      const messages = call.conversation('caller').length;
      atTurn?.(calls.vendors);
      const turn = await call.say(inTurn && { afterMs: inTurn.afterMs, run: () => inTurn.run(calls.vendors) });
      await call.expectWhole(turn);
      expect(call.conversation('caller')).toHaveLength(messages + 1);
      if (!mayHedge || call.switchesAfter(before, switches).length > 0) await call.expectSwitches(before, switches);
    });
  },
);

describe('two calls at once', () => {
  const joined: VendorCall[] = [];
  afterAll(() => Promise.all(joined.map(({ caller }) => caller.leave())));

  it('a call process that is killed changes nothing for the other call, in the midst of a switch', async () => {
    calls.mend();
    for (const _ of [1, 2]) joined.push(await calls.join());
    const [killed, other] = joined as [VendorCall, VendorCall];
    const pid = killed.told('job')[0]?.pid as number;
    expect(pid).not.toBe(other.told('job')[0]?.pid);
    calls.vendors.cartesia.faults.fail({ kind: 'drop', after: IN_REPLY });

    const turn = await other.say({ afterMs: 1_200, run: () => process.kill(pid, 'SIGKILL') });
    await other.expectWhole(turn);
    await other.expectWhole(await other.say());
    expect(other.conversation('caller')).toHaveLength(2);
    const switches = ['tts cartesia → elevenlabs unreachable'];
    await other.expectSwitches(0, switches);
    expect(killed.conversation('caller')).toEqual([]);
    // The worker lives on too: it takes the next call.
    const next = await calls.join();
    joined.push(next);
    await next.expectWhole(await next.say());
  });
});
