import { initializeLogger, type tts } from '@livekit/agents';
import { beforeAll, describe, expect, it } from 'vitest';
import { AsyncQueue } from '../../src/audio/async-queue.ts';
import type { TtsLink } from '../../src/tts/chain.ts';
import type { TtsOpenOptions, TtsPart } from '../../src/tts/contract.ts';
import { TtsChain, ttsLinkFromPlugin } from '../../src/tts/livekit.ts';

const RATE_HZ = 16_000;

/** Speaks each word as 50 ms of a level of its own: 100 for the first, 200 for the second. */
function levelLink() {
  const opened: TtsOpenOptions[] = [];
  const link: TtsLink = {
    id: 'levels',
    traits: { languages: 'any', sampleRateHz: RATE_HZ, wordTimes: 'exact', defaultVoices: { 'en-US': 'default' } },
    voices: { 'es-ES': 'ana' },
    client: {
      close: async () => undefined,
      open: (options) => {
        opened.push(options);
        const parts = new AsyncQueue<TtsPart>();
        let words = 0;
        let pending = '';
        const flush = () => {
          for (const text of pending.match(/\S+\s*/g) ?? []) {
            parts.push({ type: 'word', text, startMs: words * 50, endMs: words * 50 + 50 });
            words += 1;
            parts.push({ type: 'audio', samples: new Int16Array(800).fill(words * 100) });
          }
          pending = '';
          parts.push({ type: 'segment-end' });
        };
        return {
          parts,
          write: (text) => {
            pending += text;
          },
          flush,
          end: () => {
            if (pending !== '') flush();
            parts.end();
          },
        };
      },
    },
  };
  return { link, opened };
}

async function collect(stream: AsyncIterable<tts.SynthesizedAudio | symbol>) {
  const audio: tts.SynthesizedAudio[] = [];
  for await (const item of stream) if (typeof item !== 'symbol') audio.push(item as tts.SynthesizedAudio);
  return audio;
}

const levels = (audio: readonly tts.SynthesizedAudio[]) => {
  const samples = audio.flatMap(({ frame }) => [...frame.data]);
  return samples.filter((level, i) => level !== samples[i - 1]);
};

describe('TtsChain', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  it('needs a link', () => {
    expect(() => new TtsChain([])).toThrow(RangeError);
  });

  it('is a LiveKit TTS: text in, frames of 20 ms out, with word times, the last of a segment marked', async () => {
    const stream = new TtsChain([levelLink().link]).stream();
    stream.pushText('one ');
    stream.pushText('two');
    stream.flush();
    stream.pushText('three');
    stream.endInput();
    const audio = await collect(stream);
    expect(levels(audio)).toEqual([100, 200, 300]);
    expect(audio.reduce((sum, { frame }) => sum + frame.samplesPerChannel, 0)).toBe(3 * 800);
    expect(audio.every(({ frame }) => frame.samplesPerChannel <= RATE_HZ / 50)).toBe(true);
    expect(audio.filter(({ final }) => final)).toHaveLength(2);
    expect(new Set(audio.map(({ segmentId }) => segmentId)).size).toBe(2);
    const words = audio.flatMap(({ timedTranscripts }) => timedTranscripts ?? []);
    expect(words.map(({ text, startTime }) => [text, startTime])).toEqual([
      ['one ', 0],
      ['two', 0.05],
      ['three', 0.1],
    ]);
  });

  it('speaks a whole text', async () => {
    const audio = await collect(new TtsChain([levelLink().link]).synthesize('a b c'));
    expect(levels(audio)).toEqual([100, 200, 300]);
  });

  it('ends without audio for an empty text', async () => {
    const stream = new TtsChain([levelLink().link]).stream();
    stream.endInput();
    expect(await collect(stream)).toEqual([]);
  });

  it.each([
    ['en-US', 'default'],
    ['es-ES', 'ana'],
    ['fr', 'default'],
  ])('speaks %s with the voice %s', async (language, voice) => {
    const { link, opened } = levelLink();
    await collect(new TtsChain([link], { language }).synthesize('x'));
    expect(opened[0]?.voice).toBe(voice);
  });
});

describe('ttsLinkFromPlugin', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  const speak = async (link: TtsLink) => {
    const session = link.client.open({ voice: '', language: 'en-US', signal: new AbortController().signal });
    session.write('one two');
    session.end();
    const parts: TtsPart[] = [];
    for await (const part of session.parts) parts.push(part);
    return parts;
  };

  it('carries audio and words through a LiveKit plugin and back', async () => {
    const parts = await speak(ttsLinkFromPlugin(new TtsChain([levelLink().link])));
    const samples = parts.flatMap((part) => (part.type === 'audio' ? [...part.samples] : []));
    expect(samples).toEqual([...Array(800).fill(100), ...Array(800).fill(200)]);
    expect(parts.flatMap((part) => (part.type === 'word' ? [part.text] : []))).toEqual(['one ', 'two']);
    expect(parts.at(-1)).toEqual({ type: 'segment-end' });
  });
});
