import { describe, expect, it } from 'vitest';
import { planCall } from './support/call-plan.ts';

const everyCall = Array.from({ length: 200 }, (_, index) => index);

describe('the plan of a call', () => {
  it('comes from seed and number alone', () => {
    const options = { seed: 3, hasFaults: true, isRude: true };
    expect(everyCall.map((index) => planCall(options, index))).toEqual(
      everyCall.map((index) => planCall(options, index)),
    );
    expect(planCall({ ...options, seed: 4 }, 0)).not.toEqual(planCall(options, 0));
  });

  it('holds half of the calls in each mode, and half of those with each vendor first', () => {
    const plans = everyCall.map((index) => planCall({ seed: 1 }, index));
    expect(plans.filter(({ mode }) => mode === 'pipeline')).toHaveLength(100);
    const spoken = plans.filter(({ mode }) => mode === 'speech-to-speech');
    expect(spoken.filter(({ first }) => first === 'gemini')).toHaveLength(50);
    const only = everyCall.map((index) => planCall({ seed: 1, mode: 'speech-to-speech' }, index));
    expect(only.filter(({ first }) => first === 'gemini')).toHaveLength(100);
  });

  it('has faults at every stage and in every turn, interruptions and hang-ups where they are asked for', () => {
    const plans = everyCall.map((index) =>
      planCall({ seed: 1, mode: 'pipeline', hasFaults: true, isRude: true }, index),
    );
    const stages = new Set(plans.map(({ fault }) => fault?.title.split(' ')[0]));
    expect([...stages].toSorted()).toEqual(['LLM', 'STT', 'TTS']);
    expect(plans.every(({ fault, turns }) => fault && fault.turn < turns.length)).toBe(true);
    expect(plans.some(({ turns }) => turns.some(({ bargeInAfterMs }) => bargeInAfterMs !== undefined))).toBe(true);
    expect(plans.some(({ hangUpAfterMs }) => hangUpAfterMs !== undefined)).toBe(true);
    const kind = everyCall.map((index) => planCall({ seed: 1 }, index));
    expect(kind.every(({ fault, hangUpAfterMs }) => fault === undefined && hangUpAfterMs === undefined)).toBe(true);
  });
});
