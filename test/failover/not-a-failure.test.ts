// What is no failure, ever: after each of these the board knows nothing bad of any provider, and nothing is left behind.
import { expect, it } from 'vitest';
import { Failover } from '../../src/failover/failover.ts';
import { DEFAULT_FAILOVER } from '../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../src/health/memory-board.ts';
import { replyOverChain } from '../../src/llm/chain/chain.ts';
import type { LlmPart } from '../../src/llm/contract.ts';
import { openSttChain } from '../../src/stt/chain/chain.ts';
import { openTtsChain } from '../../src/tts/chain/chain.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type LlmScript, scriptedLlm } from '../support/scripted-llm.ts';
import { FRAME_MS, RATE_HZ, scriptedStt, silence, speak } from '../support/scripted-stt.ts';
import { ScriptedTts } from '../support/scripted-tts.ts';

/** A call over two links a stage, on one board. */
function startCall(script: LlmScript = {}) {
  const clock = new FakeClock();
  const board = new MemoryHealthBoard(DEFAULT_FAILOVER, clock);
  const failures: string[] = [];
  const options = {
    clock,
    board,
    random: () => 0.5,
    onFailure: (stage: string, provider: string, { message }: Error) =>
      failures.push(`${stage} ${provider} ${message}`),
  };
  const ids = ['a', 'b'];
  const words = ['w0 ', 'w1 ', 'w2 ', 'w3 '];
  const stt = new Failover(
    'stt',
    ids.map((id) => scriptedStt(id, { clock }).link),
    options,
  );
  const llm = new Failover(
    'llm',
    ids.map((id) => scriptedLlm({ clock, id, words, script: () => script })),
    options,
  );
  const voices = ids.map((id) => new ScriptedTts(id, clock));
  const tts = new Failover(
    'tts',
    voices.map(({ link }) => link),
    options,
  );
  const drain = async (parts: AsyncIterable<unknown>) => {
    const all: unknown[] = [];
    for await (const part of parts) all.push(part);
    return all;
  };
  return {
    clock,
    voices,
    listen: (signal: AbortSignal) => {
      const session = openSttChain(stt, { language: 'en-US', signal });
      return { session, done: drain(session.parts) };
    },
    hear: async ({ session }: { session: { write(samples: Int16Array): void } }, samples: Int16Array) => {
      const frame = (RATE_HZ * FRAME_MS) / 1000;
      for (let at = 0; at < samples.length; at += frame) {
        session.write(samples.subarray(at, at + frame));
        await clock.advance(FRAME_MS);
      }
    },
    think: (signal: AbortSignal) =>
      drain(replyOverChain(llm, { messages: [], tools: [], toolChoice: 'auto', language: 'en-US', signal })),
    speak: (signal: AbortSignal) => {
      const session = openTtsChain(tts, { language: 'en-US', signal, sampleRateHz: RATE_HZ });
      return { session, done: drain(session.parts) };
    },
    /** Nobody is marked down. */
    expectWell: async () => {
      await clock.advance(30_000);
      expect(failures).toEqual([]);
      for (const health of board.all().values()) {
        expect(health).toMatchObject({ breaker: { kind: 'closed', failures: 0 }, failuresInRow: 0 });
        expect([health.suspect, health.blocked, health.lastFailure]).toEqual([undefined, undefined, undefined]);
      }
      expect([...board.all().keys()].map((id) => board.peek(id))).not.toContain(undefined);
      expect(clock.pending).toBe(0);
    },
  };
}

it.each([
  ['before the first word of the reply', 20],
  ['before the first audio', 70],
  ['in mid-speech', 500],
])('not a failure: barge-in %s', async (_, afterMs) => {
  const call = startCall();
  const turn = new AbortController();
  const reply = call.think(turn.signal);
  const { session, done } = call.speak(turn.signal);
  session.write('w0 w1 w2 w3 w4 w5 w6 w7.');
  await call.clock.advance(afterMs);
  turn.abort();
  await Promise.all([reply, done]);
  await call.expectWell();
});

it('not a failure: a turn that only calls tools and has nothing to say', async () => {
  const tool: LlmPart = { type: 'tool-call', call: { id: 't1', name: 'book', arguments: '{}' } };
  const call = startCall({ parts: [tool] });
  const { signal } = new AbortController();
  const { session, done } = call.speak(signal);
  const reply = call.think(signal);
  await call.clock.advance(2_000);
  expect(await reply).toEqual([tool]);
  session.end();
  await call.clock.advance(1_000);
  await done;
  expect(call.voices.flatMap(({ opened }) => opened)).toEqual([]);
  await call.expectWell();
});

it.each([10, 60, 300, 1_500])('not a failure: hand-over to another agent after %i ms', async (afterMs) => {
  // The session closes every stream of the former agent, whatever they are at, and opens new ones on the same chains.
  const call = startCall();
  const former = new AbortController();
  const heard = call.listen(former.signal);
  const reply = call.think(former.signal);
  const { session, done } = call.speak(former.signal);
  session.write('w0 w1 w2 w3 w4 w5 w6 w7.');
  await call.hear(heard, speak([0, 1, 2, 3, 4]).subarray(0, afterMs * 16));
  former.abort();
  await Promise.all([heard.done, reply, done]);

  const next = new AbortController();
  const again = call.listen(next.signal);
  await call.hear(again, speak([5, 6]));
  await call.hear(again, silence(600));
  again.session.end();
  await call.clock.advance(2_000);
  expect(await again.done).toMatchObject([{ type: 'interim' }, { type: 'interim' }, { type: 'final', text: 'w5 w6' }]);
  await call.expectWell();
});

it('not a failure: the caller is silent for two minutes', async () => {
  const call = startCall();
  const calling = new AbortController();
  const heard = call.listen(calling.signal);
  await call.hear(heard, silence(120_000));
  calling.abort();
  await heard.done;
  await call.expectWell();
});

it.each([0, 10, 100, 400])('not a failure: closing while busy for %i ms', async (afterMs) => {
  const call = startCall();
  const calling = new AbortController();
  const heard = call.listen(calling.signal);
  const reply = call.think(calling.signal);
  const { session, done } = call.speak(calling.signal);
  session.write('w0 w1 w2 w3.');
  session.end();
  await call.hear(heard, speak([0, 1]).subarray(0, afterMs * 16));
  heard.session.end();
  calling.abort();
  await Promise.all([heard.done, reply, done]);
  await call.expectWell();
});

it.each(['', ' ', '\n', '🙂', '…'])('not a failure: the text is %j', async (text) => {
  const call = startCall();
  const { session, done } = call.speak(new AbortController().signal);
  session.write(text);
  session.flush();
  session.end();
  await call.clock.advance(1_000);
  await done;
  expect(call.voices.flatMap(({ opened }) => opened)).toEqual([]);
  await call.expectWell();
});

it('not a failure: the audio is empty', async () => {
  const call = startCall();
  const heard = call.listen(new AbortController().signal);
  heard.session.write(new Int16Array(0));
  heard.session.end();
  await call.clock.advance(2_000);
  expect(await heard.done).toEqual([]);
  await call.expectWell();
});
