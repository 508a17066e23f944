// The recorded sentences of a call that nobody can speak for: a persona's own, or the English ones beside this file.
import { readFileSync } from 'node:fs';
import { joinSamples } from '../audio/join-samples.ts';
import { StreamResampler } from '../audio/stream-resampler.ts';
import { readWav } from '../audio/wav.ts';
import type { Persona, RecordedName } from '../config/persona.ts';
import type { Logger } from '../telemetry/log.ts';

export interface Recording {
  readonly text: string;
  /** Mono PCM16 at RECORDED_RATE_HZ. */
  readonly samples: Int16Array;
}

export const RECORDED_RATE_HZ = 24_000;

const shipped = new URL('./recordings/en/', import.meta.url);

/**
 * The persona's sentence for the language, else for its primary language (`es` for `es-MX`), else the English one. A file of
 * the persona that can't be read is logged and left out.
 */
export function readRecording(
  name: RecordedName,
  { id, recordings = {} }: Pick<Persona, 'id' | 'recordings'>,
  language: string,
  log: Logger,
): Recording {
  const own = (recordings[language] ?? recordings[language.split('-')[0] as string])?.[name];
  if (own) {
    try {
      return { text: own.text, samples: read(own.file) };
    } catch (error) {
      log.error({ event: 'recording_unreadable', persona: id, recording: name }, `recording not used: ${error}`);
    }
  }
  const texts = JSON.parse(readFileSync(new URL('texts.json', shipped), 'utf8')) as Record<RecordedName, string>;
  return { text: texts[name], samples: read(new URL(`${name}.wav`, shipped)) };
}

/** @throws when there is no such file or it is no WAV file */
function read(file: URL): Int16Array {
  const { samples, sampleRateHz } = readWav(readFileSync(file));
  if (sampleRateHz === RECORDED_RATE_HZ) return samples;
  const resampler = new StreamResampler(sampleRateHz, RECORDED_RATE_HZ);
  return joinSamples([resampler.push(samples), resampler.flush()]);
}

/** The words that a listener heard of a sentence that broke off; a word counts when most of it was played. */
export function heardOf(text: string, playedShare: number): string {
  const words = text.match(/\S+/g) ?? [];
  return words.slice(0, Math.round(words.length * playedShare)).join(' ');
}
