import { expect, it } from 'vitest';
import type { MeasuredCall } from './support/call-outcome.ts';
import { planCall } from './support/call-plan.ts';
import { brokenPromises, falseAlarms, summarise, tally } from './support/call-summary.ts';

const kind: MeasuredCall = {
  plan: planCall({ seed: 1 }, 0),
  heard: { due: 20, lost: 0, twice: 0 },
  came: { heard: [], caller: [], agent: [] },
  conversation: { due: 38, lost: 0, twice: 0 },
  clipped: 0,
  voiceToVoiceMs: [800, 900, 1_000],
  longestWaitMs: 1_000,
  unanswered: 0,
  dropped: undefined,
  failures: [],
  reserveTurns: 0,
  turns: 3,
  asked: [],
  extra: { connections: 0, requests: 0 },
  latenessMs: 10,
  isStarved: false,
  switches: [],
  hedges: [],
};
const bad: MeasuredCall = {
  ...kind,
  heard: { due: 20, lost: 2, twice: 1 },
  dropped: 'the agent left',
  unanswered: 1,
  voiceToVoiceMs: [4_000],
  longestWaitMs: 15_000,
  switches: ['tts cartesia → elevenlabs timeout'],
  failures: ['tts/cartesia timeout', 'tts/cartesia timeout'],
  extra: { connections: 2, requests: 0 },
  hedges: ['llm openrouter beside openai lost'],
};

it('finds nothing wrong with a call in which nothing was', () => {
  expect([...brokenPromises(kind), ...falseAlarms(kind)]).toEqual([]);
});

it('tells every promise that broke and every false alarm', () => {
  expect(brokenPromises(bad)).toEqual([
    'dropped (the agent left)',
    '1 turns unanswered',
    '2 of 20 words never heard',
    '1 words heard twice',
  ]);
  expect(falseAlarms(bad)).toEqual([
    'tts cartesia → elevenlabs timeout',
    'blamed: 2 × tts/cartesia timeout',
    '2 extra connections',
    'hedges: llm openrouter beside openai lost',
  ]);
});

it('says where the machine may be to blame', () => {
  expect(brokenPromises({ ...bad, isStarved: true, latenessMs: 400 }).at(-1)).toBe(
    'on a starved machine: frames 400 ms late',
  );
  expect(brokenPromises({ ...kind, isStarved: true })).toEqual([]);
});

it('adds calls up', () => {
  expect(summarise([kind, bad])).toMatchObject({
    calls: 2,
    turns: 6,
    dropped: 1,
    heard: { due: 40, lost: 2, twice: 1 },
    switches: 1,
    failures: 2,
    extraConnections: 2,
    medianMs: 1_000,
    p95Ms: 4_000,
    longestWaitMs: 15_000,
  });
});

it('says once what happened often', () => {
  expect(tally(['a', 'b', 'a', 'a'])).toBe('3 × a, b');
});
