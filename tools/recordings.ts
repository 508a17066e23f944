// Makes the recorded sentences that a call plays when no voice is left, from the texts beside them:
// `node tools/recordings.ts`. English only, as the free voice is.
import { readFileSync, writeFileSync } from 'node:fs';
import { writeWav } from '../src/audio/wav.ts';
import { freeTts } from '../src/tts/providers/free-tts.ts';

const SAMPLE_RATE_HZ = 16_000;
const TONE_HZ = 1_000;
const TONE_MS = 300;
const BEFORE_TONE_MS = 300;
const AMPLITUDE = 6_000;

const directory = new URL('../src/call/recordings/en/', import.meta.url);
const texts = JSON.parse(readFileSync(new URL('texts.json', directory), 'utf8')) as Record<string, string>;
const client = freeTts.create({ env: {}, model: undefined });
for (const [name, text] of Object.entries(texts)) {
  const speech = await speak(text);
  const samples = name === 'message' ? withTone(speech) : speech;
  writeFileSync(new URL(`${name}.wav`, directory), writeWav(samples, SAMPLE_RATE_HZ));
  process.stdout.write(`${name}.wav: ${(samples.length / SAMPLE_RATE_HZ).toFixed(1)} s\n`);
}
await client.close();

async function speak(text: string): Promise<Int16Array> {
  const { signal } = new AbortController();
  const session = client.open({ voice: 'slt', language: 'en-US', signal });
  session.write(text);
  session.end();
  const pieces: number[] = [];
  for await (const part of session.parts)
    if (part.type === 'audio') for (const sample of part.samples) pieces.push(sample);
  return Int16Array.from(pieces);
}

/** The tone after which callers expect to be recorded. */
function withTone(speech: Int16Array): Int16Array {
  const inSamples = (ms: number) => (ms * SAMPLE_RATE_HZ) / 1000;
  const from = speech.length + inSamples(BEFORE_TONE_MS);
  const samples = new Int16Array(from + inSamples(TONE_MS));
  samples.set(speech);
  for (let i = from; i < samples.length; i += 1) {
    samples[i] = Math.round(AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * i) / SAMPLE_RATE_HZ));
  }
  return samples;
}
