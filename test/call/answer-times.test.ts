import { describe, expect, it } from 'vitest';
import { AnswerTimes } from '../../src/call/answer-times.ts';

const RATE_HZ = 24_000;
const FRAME_MS = 20;

function scene() {
  let nowMs = 0;
  const told: number[] = [];
  const times = new AnswerTimes(RATE_HZ, (ms) => told.push(ms), { now: () => nowMs });
  const pass = (ms: number, amplitude: number) => {
    for (let passed = 0; passed < ms; passed += FRAME_MS) {
      nowMs += FRAME_MS;
      const length = (RATE_HZ * FRAME_MS) / 1000;
      times.hear(Int16Array.from({ length }, (_, i) => amplitude * Math.sin(i / 5)));
    }
  };
  return { times, told, speak: (ms: number) => pass(ms, 8_000), wait: (ms: number) => pass(ms, 0) };
}

describe('AnswerTimes', () => {
  it('tells the time from the caller’s last sound to the agent’s first', () => {
    const { times, told, speak, wait } = scene();
    wait(1_000);
    speak(800);
    wait(700);
    times.agentIs('thinking');
    times.agentIs('speaking');
    expect(told).toHaveLength(1);
    expect(Math.abs((told[0] as number) - 700)).toBeLessThanOrEqual(2 * FRAME_MS);
  });

  it('tells nothing of a greeting, nor of what is said into the agent’s words', () => {
    const { times, told, speak, wait } = scene();
    wait(1_000);
    times.agentIs('speaking');
    speak(300);
    wait(600);
    times.agentIs('listening');
    wait(5_000);
    times.agentIs('speaking');
    expect(told).toEqual([]);
  });

  it('counts a turn that is gone on with from its last sound', () => {
    const { times, told, speak, wait } = scene();
    wait(500);
    speak(400);
    wait(400);
    speak(400);
    wait(500);
    times.agentIs('speaking');
    expect(told).toHaveLength(1);
    expect(told[0]).toBeLessThan(600);
  });
});
