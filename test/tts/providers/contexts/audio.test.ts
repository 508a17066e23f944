// Sound is held for the words that come after it, but never for so long that the caller hears silence.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TtsPart } from '../../../../src/tts/contract.ts';
import { ContextAudio } from '../../../../src/tts/providers/contexts/audio.ts';

const RATE_HZ = 24_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function audioOf(text: string) {
  const parts: TtsPart[] = [];
  const audio = new ContextAudio(RATE_HZ, 0, (part) => parts.push(part));
  audio.write({ written: text, lead: '' });
  const pushMs = (ms: number) => audio.push(new Int16Array((ms * RATE_HZ) / 1000));
  const order = () => parts.map((part) => (part.type === 'word' ? part.text.trim() : part.type)).join(' ');
  return { audio, pushMs, order };
}

const word = (text: string, startMs: number) => ({ text, startMs, endMs: startMs + 200 });

it('lets held sound go 50 ms before the caller would hear silence, and tells its last word late', () => {
  const { audio, pushMs, order } = audioOf('a b c d');
  audio.hear([word('a', 0), word('b', 300)]);
  pushMs(500);
  expect(order()).toBe('a b audio');
  audio.hear([word('c', 600)]);
  pushMs(560);
  vi.advanceTimersByTime(449);
  expect(order()).toBe('a b audio');
  vi.advanceTimersByTime(1);
  expect(order()).toBe('a b audio c audio');
  audio.hear([word('d', 900)]);
  pushMs(40);
  expect(order()).toBe('a b audio c audio d audio');
});

it('holds sound for its words while the caller has enough to hear', () => {
  const { audio, pushMs, order } = audioOf('a b');
  audio.hear([word('a', 0)]);
  pushMs(200);
  pushMs(400);
  vi.advanceTimersByTime(149);
  expect(order()).toBe('a audio');
});

it('drops what it holds', () => {
  const { audio, pushMs, order } = audioOf('a b');
  audio.hear([word('a', 0)]);
  pushMs(190);
  pushMs(300);
  audio.drop();
  vi.advanceTimersByTime(1_000);
  expect(order()).toBe('a audio');
});
