// When a turn of the caller is over, and with which words: recognisers that are late, revise, or never finish; on a fake clock.
import { describe, expect, it } from 'vitest';
import { PipelineTurns } from '../../src/pipeline/turns.ts';
import { FakeClock } from '../support/fake-clock.ts';

function start() {
  const clock = new FakeClock();
  const log: string[] = [];
  const turns: PipelineTurns = new PipelineTurns(
    500,
    {
      onSpeechStart: () => log.push('start'),
      onSpeechStop: () => log.push('stop'),
      onPause: () => log.push('pause'),
      onInterim: () => undefined,
      onTurn: ({ transcript, isCommitted }) => log.push(`${isCommitted ? 'committed' : 'turn'}: ${transcript}`),
      onNothing: () => log.push('nothing'),
    },
    clock,
  );
  const final = (text: string, endMs?: number) => turns.final({ text, endMs, confidence: 1 });
  return { clock, log, turns, final };
}

/** A voice from 0 to 1,000 ms, noticed 250 ms later. */
function voice({ turns }: ReturnType<typeof start>): void {
  turns.heard(100);
  turns.speechStarted();
  turns.heard(1_250);
  turns.speechEnded(1_000);
}

describe('PipelineTurns', () => {
  it('ends a turn when its silence has passed and its words are there, whichever comes last', () => {
    const early = start();
    voice(early);
    early.final('one two', 950);
    early.turns.heard(1_490);
    expect(early.log).toEqual(['start', 'pause']);
    early.turns.heard(1_500);
    expect(early.log).toEqual(['start', 'pause', 'stop', 'turn: one two']);

    const late = start();
    voice(late);
    late.turns.heard(2_000);
    expect(late.log).toEqual(['start', 'pause', 'stop']);
    late.final('one two', 950);
    expect(late.log.at(-1)).toBe('turn: one two');
  });

  it('waits for words that reach to the end of the voice, for so long', async () => {
    const call = start();
    voice(call);
    call.final('one', 300);
    call.turns.heard(1_500);
    expect(call.log.at(-1)).toBe('stop');
    call.final('two', 900);
    expect(call.log.at(-1)).toBe('turn: one two');

    const cut = start();
    voice(cut);
    cut.final('one', 300);
    cut.turns.heard(1_500);
    await cut.clock.advance(1_200);
    expect(cut.log.at(-1)).toBe('turn: one');
    cut.final('two', 900);
    cut.turns.heard(2_000);
    expect(cut.log.at(-1)).toBe('turn: two');
  });

  it('takes unfinished words when no final comes, and not again when it does', async () => {
    const call = start();
    voice(call);
    call.turns.interim('one tow');
    call.turns.heard(1_500);
    await call.clock.advance(1_200);
    expect(call.log.at(-1)).toBe('turn: one tow');
    call.turns.interim('one two');
    call.final('one two', 950);
    call.turns.heard(5_000);
    await call.clock.advance(5_000);
    expect(call.log.filter((line) => line.startsWith('turn'))).toEqual(['turn: one tow']);
    call.final('three');
    call.turns.heard(5_500);
    expect(call.log.at(-1)).toBe('turn: three');
  });

  it('goes on with a turn whose caller speaks again before its words are there', async () => {
    const call = start();
    voice(call);
    call.turns.interim('one');
    call.turns.heard(1_500);
    call.turns.speechStarted();
    await call.clock.advance(5_000);
    call.final('one', 950);
    call.turns.heard(3_000);
    call.turns.speechEnded(2_900);
    call.final('two', 2_800);
    call.turns.heard(3_400);
    expect(call.log).toEqual(['start', 'pause', 'stop', 'start', 'pause', 'stop', 'turn: one two']);
  });

  it('makes no turn of a voice without words', async () => {
    const call = start();
    voice(call);
    call.turns.heard(10_000);
    expect(call.turns.isOpen).toBe(false);
    await call.clock.advance(10_000);
    expect(call.log).toEqual(['start', 'pause', 'stop', 'nothing']);
  });

  it('ends words without a voice after their silence', async () => {
    const call = start();
    call.turns.heard(10_000);
    call.turns.interim('one');
    call.turns.heard(10_490);
    expect(call.log).toEqual([]);
    call.turns.heard(10_500);
    expect(call.log).toEqual(['pause']);
    call.final('one two');
    call.turns.heard(11_000);
    expect(call.log).toEqual(['pause', 'start', 'stop', 'turn: one two']);
  });

  it('keeps what a broken recogniser had begun to hear', () => {
    const call = start();
    call.turns.speechStarted();
    call.turns.interim('one');
    call.turns.segmentLost();
    call.turns.heard(1_250);
    call.turns.speechEnded(1_000);
    call.final('two');
    call.turns.heard(1_500);
    expect(call.log.at(-1)).toBe('turn: one two');
  });

  it('commits when the words are there, or none come', async () => {
    const call = start();
    call.turns.speechStarted();
    call.turns.interim('one');
    const first = call.turns.commit();
    call.final('one two');
    await first;
    expect(call.log).toEqual(['start', 'pause', 'stop', 'committed: one two']);
    const second = call.turns.commit();
    await call.clock.advance(1_200);
    await second;
    expect(call.log).toHaveLength(5);
    call.turns.clear();
    await call.turns.commit();
    expect(call.log).toHaveLength(5);
  });
});
