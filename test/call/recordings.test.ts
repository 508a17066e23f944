import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTones, speakTones } from '../../fixtures/tones.ts';
import { readWav, writeWav } from '../../src/audio/wav.ts';
import { openMessageStore } from '../../src/call/messages.ts';
import { heardOf, RECORDED_RATE_HZ, readRecording } from '../../src/call/recordings.ts';
import type { RecordedName } from '../../src/config/persona.ts';

const NAMES: readonly RecordedName[] = ['waiting', 'message', 'thanks', 'goodbye'];

describe('recorded sentences', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulletproof-recordings-'));
  beforeAll(() => {
    for (const [name, word] of [
      ['es', 3],
      ['es-MX', 5],
    ] as const) {
      writeFileSync(join(directory, `${name}.wav`), writeWav(speakTones([word], 16_000), 16_000));
    }
    writeFileSync(join(directory, 'broken.wav'), 'no sound');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(line) });
  const file = (name: string) => pathToFileURL(join(directory, `${name}.wav`));
  const persona = {
    id: 'test',
    recordings: {
      es: { waiting: { text: 'Un momento.', file: file('es') }, thanks: { text: 'Gracias.', file: file('broken') } },
      'es-MX': { waiting: { text: 'Ahorita.', file: file('es-MX') } },
    },
  };
  const toneOf = (samples: Int16Array) => decodeTones(samples, RECORDED_RATE_HZ).map(({ index }) => index);

  it.each(NAMES)('"%s" is there without a persona’s own, in speech of a few seconds, beside its text', (name) => {
    const { text, samples } = readRecording(name, { id: 'test' }, 'fr-FR', log);
    expect(text).toMatch(/^[A-Z].*\.$/);
    const seconds = samples.length / RECORDED_RATE_HZ;
    expect(seconds).toBeGreaterThan(2);
    expect(seconds).toBeLessThan(8);
    expect(samples.some((sample) => sample > 3_000)).toBe(true);
  });

  it('are the persona’s for the language, else for its primary language, else the English ones', () => {
    const waiting = (language: string) => readRecording('waiting', persona, language, log);
    expect(waiting('es-MX').text).toBe('Ahorita.');
    expect(toneOf(waiting('es-MX').samples)).toEqual([5]);
    expect(waiting('es-ES').text).toBe('Un momento.');
    expect(toneOf(waiting('es-ES').samples)).toEqual([3]);
    expect(waiting('en-US').text).toMatch(/moment/);
    expect(readRecording('goodbye', persona, 'es-ES', log).text).toMatch(/Goodbye/);
    expect(logged).toEqual([]);
  });

  it('are said in English where the persona’s file can’t be read, which is logged', () => {
    expect(readRecording('thanks', persona, 'es-ES', log).text).toMatch(/Thank you/);
    expect(logged.join()).toContain('does not begin as a WAV file');
  });

  it('were heard up to the word at which they were broken off', () => {
    expect(heardOf('One moment, please. Yes.', 1)).toBe('One moment, please. Yes.');
    expect(heardOf('One moment, please. Yes.', 0.5)).toBe('One moment,');
    expect(heardOf('One moment, please. Yes.', 0.05)).toBe('');
  });

  it('of callers are kept as they were, readable by their owner only', async () => {
    const store = openMessageStore(join(directory, 'messages'), () => new Date('2026-03-04T05:06:07.008Z'));
    const samples = speakTones([1, 2], 16_000);
    const kept = await store.keep('AJ_x/..y', { samples, sampleRateHz: 16_000 });
    expect(readdirSync(join(directory, 'messages'))).toEqual(['2026-03-04T05-06-07-008Z-AJ_x___y.wav']);
    expect(readWav(readFileSync(kept))).toEqual({ samples, sampleRateHz: 16_000 });
    expect(statSync(kept).mode & 0o777).toBe(0o600);
  });
});
