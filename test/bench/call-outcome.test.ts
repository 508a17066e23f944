import { describe, expect, it } from 'vitest';
import { extraOf } from './support/asked.ts';
import {
  countClipped,
  countConversation,
  dueOfAgent,
  type TurnRecord,
  waitsOf,
  withoutEchoes,
} from './support/call-outcome.ts';
import { compareWords } from './support/compare-words.ts';

const utterance = (startMs: number, endMs: number) => ({
  startMs,
  endMs,
  firstVoicedMs: startMs,
  lastVoicedMs: endMs,
});
const answered: TurnRecord = { words: [0, 1], ended: 'answered', utterance: utterance(1_000, 2_000) };
const next: TurnRecord = { words: [2, 3], ended: 'answered', utterance: utterance(6_000, 7_000) };
const sound = (index: number, startMs: number, soundMs = 240) => ({
  index,
  startMs,
  endMs: startMs + soundMs,
  soundMs,
});

describe('what is due in a call', () => {
  it('is the greeting, and in every answer the words of the caller in their frame', () => {
    const due = dueOfAgent([answered], [[20], [21, 22]]);
    expect(due.map(({ word }) => word)).toEqual([30, 31, 20, 0, 1, 21, 22]);
    expect(compareWords(due, [30, 31, 20, 0, 1, 21]).lost).toBe(1);
  });

  it('is none of an interrupted answer, but the words of the caller all the same', () => {
    const turns: TurnRecord[] = [{ ...answered, ended: 'interrupted' }, next];
    const told = { caller: [0, 1, 2, 3], agent: [30, 31, 0, 2, 3] };
    expect(countConversation(turns, [[], []], told)).toEqual({ due: 8, lost: 0, twice: 0 });
    expect(countConversation(turns, [[], []], { ...told, caller: [0, 2, 3] }).lost).toBe(1);
  });

  it('may be the interrupted turn once more with the next, of a model that was not told of its reply yet', () => {
    const turns: TurnRecord[] = [{ ...answered, ended: 'interrupted' }, next];
    const told = { caller: [0, 1, 2, 3], agent: [30, 31, 0, 0, 1, 2, 3] };
    expect(countConversation(turns, [[], []], told).twice).toBe(0);
    expect(countConversation([answered, next], [[], []], told).twice).toBe(1);
  });

  it('is nothing of the turn in which the caller hung up', () => {
    const turns: TurnRecord[] = [answered, { ...next, ended: 'hung up' }];
    const told = { caller: [0, 1], agent: [30, 31, 0, 1] };
    expect(countConversation(turns, [[], []], told)).toEqual({ due: 6, lost: 0, twice: 0 });
  });
});

describe('waits', () => {
  const heard = [sound(0, 3_000), sound(1, 4_500), sound(2, 7_500)];
  const spans = [
    { startMs: 3_000, endMs: 4_740 },
    { startMs: 7_500, endMs: 7_740 },
  ];

  it('are from the last word of the caller to the first of the answer, and between the words of it', () => {
    expect(waitsOf([answered, next], spans, heard)).toEqual({
      voiceToVoiceMs: [1_000, 500],
      longestWaitMs: 1_260,
      unanswered: 0,
    });
  });

  it('know turns that were never answered', () => {
    expect(waitsOf([answered, next], spans.slice(0, 1), heard.slice(0, 2))).toMatchObject({
      voiceToVoiceMs: [1_000],
      unanswered: 1,
    });
  });

  it('are none where the caller did not wait', () => {
    expect(waitsOf([{ ...answered, ended: 'interrupted' }], [], [])).toMatchObject({
      voiceToVoiceMs: [],
      unanswered: 0,
    });
  });
});

describe('clipped words', () => {
  it('are those that sounded too short, but for the one that an interruption cut', () => {
    const heard = [sound(0, 3_000), sound(1, 3_300, 100)];
    expect(countClipped(heard, [answered])).toBe(1);
    const cutAtMs = 3_400;
    const cutOff: TurnRecord[] = [
      { ...answered, ended: 'interrupted' },
      { ...next, utterance: utterance(cutAtMs, cutAtMs + 1_000) },
    ];
    expect(countClipped(heard, cutOff)).toBe(0);
  });
});

describe('what vendors were asked for', () => {
  const asked = (vendor: string, connections: number, requests = 0) => ({ vendor, connections, requests });

  it('is nothing extra in a call that opens what it needs', () => {
    const pipeline = [asked('deepgram', 1), asked('cartesia', 1), asked('elevenlabs', 1), asked('openrouter', 0, 4)];
    expect(extraOf({ mode: 'pipeline', first: 'gemini' }, 4, pipeline)).toEqual({ connections: 0, requests: 0 });
    const spoken = [asked('gemini', 1), asked('openai', 0), asked('deepgram', 0)];
    expect(extraOf({ mode: 'speech-to-speech', first: 'gemini' }, 4, spoken)).toEqual({ connections: 0, requests: 0 });
  });

  it('counts reconnections, other vendors and requests beyond one for each turn', () => {
    const pipeline = [asked('deepgram', 2), asked('google', 0, 1), asked('openrouter', 0, 4), asked('openai', 0, 2)];
    expect(extraOf({ mode: 'pipeline', first: 'gemini' }, 4, pipeline)).toEqual({ connections: 1, requests: 3 });
    const spoken = [asked('gemini', 3), asked('openai', 1), asked('openrouter', 0, 1)];
    expect(extraOf({ mode: 'speech-to-speech', first: 'gemini' }, 4, spoken)).toEqual({ connections: 3, requests: 1 });
  });
});

it('takes words that a busy machine tore in two for one', () => {
  expect(withoutEchoes([0, 0, 1, 2, 2, 2, 0])).toEqual([0, 1, 2, 0]);
});
