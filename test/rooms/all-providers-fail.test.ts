// In one call every provider that is not on this machine fails, one after the other, until the free ones alone carry it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadClip } from '../../fixtures/audio/clips.ts';
import type { Fault } from '../../fixtures/faults.ts';
import { always, startVendorCalls, type VendorCall, type VendorCalls, type Vendors } from './support/vendor-calls.ts';

const CHAINS = {
  stt: ['deepgram', 'google', 'whisper', 'free-stt'],
  llm: ['openrouter', 'openai', 'gemini', 'free-llm'],
  tts: ['cartesia', 'elevenlabs', 'silero', 'free-tts'],
};

const unavailable: Fault = { kind: 'status', status: 503 };

interface Step {
  readonly fails: (vendors: Vendors) => void;
  /** 1.2 s into what the caller says. */
  readonly breaks?: (vendors: Vendors) => void;
  /** What can be counted: words by tone at the ear, in the conversation of both, of the caller alone. */
  readonly counted: 'ear' | 'conversation' | 'caller';
  readonly switches: readonly string[];
}

const STEPS: readonly Step[] = [
  {
    fails: ({ cartesia }) => cartesia.faults.fail({ kind: 'error-event', after: 8, status: 402 }, always),
    counted: 'ear',
    switches: ['tts cartesia → elevenlabs quota'],
  },
  {
    fails: ({ openrouter }) => openrouter.faults.fail({ kind: 'status', status: 429, retryAfterS: 3_600 }, always),
    breaks: ({ deepgram }) => {
      deepgram.faults.fail(unavailable, always);
      deepgram.faults.breakNow({ kind: 'drop', after: 0, code: 1011 });
    },
    counted: 'ear',
    switches: ['stt deepgram → google server', 'llm openrouter → openai rate-limit'],
  },
  {
    fails: ({ google, elevenlabs }) => {
      google.faults.fail(unavailable, always);
      elevenlabs.faults.fail({ kind: 'drop', after: 8 }, always);
    },
    counted: 'ear',
    switches: ['stt google → whisper server', 'tts elevenlabs → silero unreachable'],
  },
  {
    fails: ({ openai, silero }) => {
      openai.faults.fail({ kind: 'stall', after: 4 }, always);
      silero.faults.fail(unavailable, always);
    },
    counted: 'conversation',
    switches: ['llm openai → gemini timeout', 'tts silero → free-tts server'],
  },
  {
    fails: ({ gemini }) => gemini.faults.fail({ kind: 'status', status: 403 }, always),
    counted: 'caller',
    switches: ['llm gemini → free-llm forbidden'],
  },
];

describe('all providers but the free ones', () => {
  let calls: VendorCalls;
  let call: VendorCall;
  beforeAll(async () => {
    calls = await startVendorCalls(CHAINS);
    call = await calls.join();
  });
  afterAll(async () => {
    await call?.caller.leave();
    await calls?.stop();
  });

  it('5. all paid providers fail one after the other during one call: free ones carry it on', async () => {
    for (const { fails, breaks, counted, switches } of STEPS) {
      const before = call.switches().length;
      fails(calls.vendors);
      const turn = await call.say(breaks && { afterMs: 1_200, run: () => breaks(calls.vendors) });
      if (counted === 'ear') await call.expectWhole(turn);
      else {
        expect(await call.isAnswered(turn)).toBe(true);
        expect(call.conversation('caller').at(-1)).toEqual(turn.said);
        if (counted === 'conversation') await expect.poll(() => call.conversation('agent').at(-1)).toEqual(turn.said);
      }
      // The stages work at the same time: which of two is replaced first does not matter.
      const told = () => call.switchesAfter(before, switches).toSorted();
      await expect.poll(told, { timeout: 10_000 }).toEqual(switches.toSorted());
    }
    const told = call.switches().length;
    calls.vendors.whisper.faults.fail(unavailable, always);
    await sayFreely('question');
    expect(call.switches().slice(told)).toEqual(['stt whisper → free-stt server']);

    // Nobody else is left: no vendor is asked for work any more.
    const asked = workOf(calls.vendors);
    await sayFreely('hello');
    expect(call.switches()).toHaveLength(told + 1);
    expect(workOf(calls.vendors)).toEqual(asked);
    expect(call.told('caller')).toHaveLength(STEPS.length + 2);
    expect(call.caller.gone).toBeUndefined();
  });

  /** Without marks: the free recogniser hears words, which make one message that is answered aloud. */
  async function sayFreely(clip: string): Promise<void> {
    const before = { caller: call.told('caller').length, agent: call.told('agent').length };
    const { samples, sampleRateHz } = loadClip(clip);
    const sinceMs = call.caller.nowMs();
    await call.caller.speak(samples, sampleRateHz);
    expect(await call.isAnswered({ said: [], sinceMs })).toBe(true);
    await expect.poll(() => call.told('agent').length).toBe(before.agent + 1);
    expect(call.told('caller')).toHaveLength(before.caller + 1);
    expect(call.told('caller').at(-1)?.text).toMatch(/[a-z]/i);
    expect(call.told('agent').at(-1)?.text).toMatch(/[a-z]/i);
  }
});

/** Requests that do a vendor's work; checks of health are not among them. */
function workOf({ google, whisper, openrouter, openai, gemini, cartesia, elevenlabs, silero }: Vendors): number[] {
  return [google, whisper, openrouter, openai, gemini, cartesia, elevenlabs, silero].map(
    ({ requests }) => requests.filter(({ method }) => method === 'POST' || method === 'WS').length,
  );
}
