// A turn's times from when each side was heard.
import { describe, expect, it } from 'vitest';
import { measureTurn, median } from '../../src/livekit/voice-to-voice.ts';

const said = { firstVoicedMs: 1000, lastVoicedMs: 2000 };
const none = { voiceToVoiceMs: undefined, cutInMs: undefined, stoppedAfterMs: undefined };
const span = (startMs: number, endMs: number) => ({ startMs, endMs });

describe('measureTurn', () => {
  it('measures from the last sound of the caller to the first of the answer', () => {
    expect(measureTurn(said, [span(100, 800), span(2450, 3000), span(3500, 4000)])).toEqual({
      ...none,
      voiceToVoiceMs: 450,
    });
  });

  it('finds no answer where none came, or only after the next turn began', () => {
    expect(measureTurn(said, [span(100, 800)])).toEqual(none);
    expect(measureTurn(said, [span(5000, 6000)], 4000)).toEqual(none);
  });

  it('tells an agent that cut in', () => {
    expect(measureTurn(said, [span(1700, 2500)])).toEqual({ ...none, cutInMs: 300 });
    expect(measureTurn(said, [span(1400, 1500), span(2600, 3000)])).toEqual({
      ...none,
      cutInMs: 600,
      voiceToVoiceMs: 600,
    });
  });

  it('tells how long an interrupted agent went on', () => {
    expect(measureTurn(said, [span(200, 1230), span(2500, 3000)])).toEqual({
      ...none,
      stoppedAfterMs: 230,
      voiceToVoiceMs: 500,
    });
  });
});

describe('median', () => {
  it('is the middle, or the mean of the two in the middle', () => {
    expect(median([])).toBeUndefined();
    expect(median([30, 10, 20])).toBe(20);
    expect(median([40, 10, 20, 30])).toBe(25);
  });
});
