// What the caller does while a provider is being replaced: interrupts, says nothing, presses keys.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startVendorCalls, type VendorCall, type VendorCalls } from './support/vendor-calls.ts';

const CHAINS = {
  stt: ['deepgram', 'google'],
  llm: ['openrouter', 'openai'],
  tts: ['cartesia', 'elevenlabs', 'silero'],
};

describe('13. during a switch', () => {
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
  beforeEach(() => calls.mend());

  it('13. silence during a switch: nothing is said, and the next words are whole', async () => {
    expect(await call.servedBy('stt', 'deepgram')).toBe(true);
    const sinceMs = call.caller.nowMs();
    // Also what stands open to the voice, without work.
    calls.vendors.cartesia.faults.breakNow({ kind: 'drop', after: 0, code: 1012 });
    calls.vendors.deepgram.faults.breakNow({ kind: 'drop', after: 0, code: 1012 });
    expect(await call.caller.waitUntil(() => call.switches().length > 0, 20_000)).toBe(true);
    expect(call.switches()).toEqual(['stt deepgram → google server']);

    const turn = await call.say();
    await call.expectWhole({ ...turn, sinceMs });
    expect(call.conversation('caller')).toHaveLength(1);
    expect(call.switches()).toHaveLength(1);
  });

  it('13. DTMF during a switch: each key arrives once and in order, and no word is lost', async () => {
    const { deepgram, openrouter } = calls.vendors;
    expect(await call.servedBy('stt', 'deepgram')).toBe(true);
    openrouter.faults.fail({ kind: 'stall', after: 5 });
    const before = call.switches().length;
    let pressed: Promise<void> = Promise.resolve();
    const run = () => {
      deepgram.faults.breakNow({ kind: 'drop', after: 0 });
      pressed = press(call, '1590*#');
    };
    const turn = await call.say({ afterMs: 1_200, run });
    // While the reply is written by one model and the other.
    await pressed;
    await press(call, '11');
    await call.expectWhole(turn);
    const switches = ['stt deepgram → google unreachable', 'llm openrouter → openai timeout'];
    await call.expectSwitches(before, switches);
    await expect.poll(() => keysOf(call)).toBe('1590*#11');
  });

  it('13. barge-in during a switch of the STT: what interrupts is heard whole', async () => {
    const { deepgram } = calls.vendors;
    expect(await call.servedBy('stt', 'deepgram')).toBe(true);
    const before = call.switches().length;
    const first = await call.say();
    expect(await call.caller.waitUntil(() => call.tonesSince(first.sinceMs).length >= 2, 20_000)).toBe(true);
    const second = await call.say({
      afterMs: 300,
      run: () => deepgram.faults.breakNow({ kind: 'drop', after: 0, code: 1011 }),
    });
    await expectInterrupted(call, first, second);
    const switches = ['stt deepgram → google server'];
    await call.expectSwitches(before, switches);
  });

  it('13. barge-in during a switch of the TTS: what is left of the reply is never said', async () => {
    const { cartesia, elevenlabs } = calls.vendors;
    const asked = elevenlabs.messages.length;
    cartesia.faults.fail({ kind: 'stall', after: 10 });
    // The next voice keeps the switch waiting.
    elevenlabs.faults.fail({ kind: 'stall', after: 0 });
    const first = await call.say();
    expect(await call.caller.waitUntil(() => elevenlabs.messages.length > asked, 20_000)).toBe(true);
    await expectInterrupted(call, first, await call.say());
  });
});

/** The conversation has of the first reply what was heard, and the second turn whole; nothing else was said. */
async function expectInterrupted(
  call: VendorCall,
  first: Awaited<ReturnType<VendorCall['say']>>,
  second: Awaited<ReturnType<VendorCall['say']>>,
): Promise<void> {
  const isDone = () => call.atTheEar(second.sinceMs).slice(-second.said.length).join() === second.said.join();
  expect(await call.caller.waitUntil(isDone, 30_000)).toBe(true);
  expect(await call.isAnswered(second)).toBe(true);
  expect(call.conversation('caller').slice(-2)).toEqual([first.said, second.said]);

  await expect.poll(() => call.conversation('agent').at(-1)).toEqual(second.said);
  const cut = call.told('agent').at(-2);
  const believed = call.conversation('agent').at(-2) ?? [];
  // A machine that is far too busy may hand over what interrupts only when the reply is over.
  if (!call.isStarved || believed.length < first.said.length) expect(cut?.interrupted).toBe(true);
  expect(believed).toEqual(first.said.slice(0, believed.length));
  const heard = call.atTheEar(first.sinceMs).slice(0, -second.said.length);
  expect(heard).toEqual(first.said.slice(0, heard.length));
  // The word in which it was cut may be on either side; a busy machine's receiver holds back one more.
  const apart = Math.abs(heard.length - believed.length);
  expect(apart, `heard ${heard}, believed ${believed}`).toBeLessThanOrEqual(call.isStarved ? 2 : 1);
}

async function press(call: VendorCall, keys: string): Promise<void> {
  for (const key of keys) {
    const code = '0123456789*#'.indexOf(key);
    await call.caller.room.localParticipant?.publishDtmf(code, key);
  }
}

function keysOf(call: VendorCall): string {
  return call
    .told('keys')
    .map(({ text }) => text)
    .join('');
}
