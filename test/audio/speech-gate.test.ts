// What the energy gate takes for speech: sound above the noise, not the noise itself.
import { describe, expect, it } from 'vitest';
import { loadClip } from '../../fixtures/audio/clips.ts';
import { SpeechGate } from '../../src/audio/speech-gate.ts';

const RATE_HZ = 16_000;
const samplesIn = (ms: number) => (ms * RATE_HZ) / 1000;
const silence = (ms: number) => new Int16Array(samplesIn(ms));
const tone = (ms: number, amplitude = 6_000) =>
  Int16Array.from({ length: samplesIn(ms) }, (_, at) => Math.round(amplitude * Math.sin(at / 7)));

function gateAfter(...pieces: Int16Array[]): SpeechGate {
  const gate = new SpeechGate(RATE_HZ, 60_000);
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += 320) gate.write(piece.subarray(at, at + 320));
  }
  return gate;
}

describe('the speech gate', () => {
  it('opens within 30 ms of sound and closes 200 ms after it', () => {
    expect(gateAfter(silence(500), tone(20)).isSpeech).toBe(false);
    expect(gateAfter(silence(500), tone(40)).isSpeech).toBe(true);
    expect(gateAfter(tone(300), silence(180)).isSpeech).toBe(true);
    expect(gateAfter(tone(300), silence(220)).isSpeech).toBe(false);
  });

  it('stays shut for silence, comfort noise and clicks', () => {
    const hiss = Int16Array.from({ length: samplesIn(5_000) }, (_, at) => ((at * 7_919) % 21) - 10);
    expect(gateAfter(silence(5_000)).speechMs(0)).toBe(0);
    expect(gateAfter(hiss).speechMs(0)).toBe(0);
    expect(gateAfter(silence(300), tone(20), silence(300)).isSpeech).toBe(false);
  });

  it('gets used to steady noise, and hears speech above it', () => {
    const hum = tone(4_000, 400);
    const gate = gateAfter(hum);
    expect(gate.isSpeech).toBe(false);
    gate.write(tone(200, 8_000));
    expect(gate.isSpeech).toBe(true);
  });

  it('hears human speech as such for all its length', () => {
    const { samples, sampleRateHz } = loadClip('long');
    expect(sampleRateHz).toBe(RATE_HZ);
    const gate = gateAfter(silence(500), samples);
    const lengthMs = (samples.length * 1000) / RATE_HZ;
    expect(gate.speechMs(0)).toBeGreaterThan(0.7 * lengthMs);
    expect(gate.loudMs(0)).toBeGreaterThan(0.4 * lengthMs);
    expect(gate.loudMs(0)).toBeLessThanOrEqual(gate.speechMs(0));
  });

  it('counts sound from a position on', () => {
    const gate = gateAfter(tone(300), silence(100), tone(200), silence(400));
    expect(gate.loudMs(0)).toBe(500);
    expect(gate.loudMs(samplesIn(400))).toBe(200);
    expect(gate.speechMs(0)).toBe(300 + 100 + 200 + 190 - 0);
    expect(gate.loudMs(samplesIn(900))).toBe(0);
  });

  it('finds the quiet after a position, and the last one', () => {
    const gate = gateAfter(tone(300), silence(100), tone(200), silence(400), tone(100));
    const span = (fromMs: number, toMs: number) => ({ from: samplesIn(fromMs), to: samplesIn(toMs) });
    expect(gate.quietAfter(0, 50)).toEqual(span(300, 400));
    expect(gate.quietAfter(samplesIn(350), 50)).toEqual(span(350, 400));
    expect(gate.quietAfter(samplesIn(350), 60)).toEqual(span(600, 1_000));
    expect(gate.quietAfter(samplesIn(1_000), 10)).toBeUndefined();
    expect(gate.lastQuiet(100)).toEqual(span(600, 1_000));
    expect(gate.lastQuiet(500)).toBeUndefined();
    expect(gate.quietUntil(samplesIn(650))).toBe(samplesIn(1_000));
    expect(gate.quietUntil(samplesIn(50))).toBe(samplesIn(50));
  });

  it('needs no particular frames', () => {
    const samples = new Int16Array([...silence(100), ...tone(300), ...silence(400)]);
    const whole = new SpeechGate(RATE_HZ, 1_000);
    whole.write(samples);
    const pieces = new SpeechGate(RATE_HZ, 1_000);
    for (let at = 0, size = 1; at < samples.length; at += size, size = (size * 5 + 7) % 997) {
      pieces.write(samples.subarray(at, at + size));
    }
    expect([pieces.loudMs(0), pieces.speechMs(0)]).toEqual([whole.loudMs(0), whole.speechMs(0)]);
  });

  it('forgets what is older than it keeps', () => {
    const gate = new SpeechGate(RATE_HZ, 500);
    gate.write(tone(1_200));
    expect(gate.loudMs(0)).toBe(500);
  });

  it('refuses a rate or a time that is none', () => {
    for (const rate of [0, -1, Number.NaN, 500]) expect(() => new SpeechGate(rate, 1_000)).toThrow(RangeError);
    expect(() => new SpeechGate(RATE_HZ, 0)).toThrow(RangeError);
  });
});
