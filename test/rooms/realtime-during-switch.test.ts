// What the caller does while a speech-to-speech session is being replaced: says nothing, or interrupts.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RealtimeCall, type RealtimeCalls, startRealtimeCalls } from './support/realtime-calls.ts';

describe('13. during a switch of the speech-to-speech session', () => {
  let calls: RealtimeCalls;
  let call: RealtimeCall;
  beforeAll(async () => {
    calls = await startRealtimeCalls();
    call = await calls.join('openai', 'gemini');
  });
  afterAll(async () => {
    await call?.caller.leave();
    await calls?.stop();
  });
  beforeEach(() => calls.mend());

  it('13. silence: nothing is said, and the next words are whole', async () => {
    const sinceMs = call.caller.nowMs();
    call.breakWhen('idle', { kind: 'drop', after: 0, code: 1012 });
    expect(await call.caller.waitUntil(() => call.switches().length > 0, 20_000)).toBe(true);
    const turn = await call.say();
    await call.expectAnswered({ ...turn, sinceMs });
    expect(call.conversation('caller')).toHaveLength(1);
    call.expectUnharmed();
  });

  it('13. barge-in: what is left of the reply is never said, and what interrupts is heard whole', async () => {
    call.breakWhen('speaking', { kind: 'drop', after: 8 });
    const first = await call.say();
    expect(await call.caller.waitUntil(() => call.tonesSince(first.sinceMs).length >= 2, 20_000)).toBe(true);
    const second = await call.say();
    const due = [...second.said, 20, 21, 22];
    const isDone = () => call.atTheEar(second.sinceMs).slice(-due.length).join() === due.join();
    expect(await call.caller.waitUntil(isDone, 30_000)).toBe(true);
    expect(await call.isAnswered(second)).toBe(true);
    expect(call.conversation('caller').slice(-2)).toEqual([first.said, second.said]);
    await expect.poll(() => call.conversation('agent').at(-1)).toEqual(due);

    const believed = call.conversation('agent').at(-2) ?? [];
    const whole = [...first.said, 20, 21, 22];
    expect(call.told('agent').at(-2)?.interrupted).toBe(true);
    expect(believed).toEqual(whole.slice(0, believed.length));
    const heard = withoutRepeat(call.atTheEar(first.sinceMs).slice(0, -due.length));
    expect(heard).toEqual(whole.slice(0, heard.length));
    // The word in which it was cut may be on either side; a busy machine's receiver holds back one more.
    const apart = Math.abs(heard.length - believed.length);
    expect(apart, `heard ${heard}, believed ${believed}`).toBeLessThanOrEqual(call.isStarved ? 2 : 1);
    call.expectUnharmed();
  });
});

/** The word that broke may have been said once more. */
function withoutRepeat(words: readonly number[]): number[] {
  const at = words.findIndex((word, position) => word === words[position - 1]);
  return words.filter((_, position) => position !== at);
}
