import { APIConnectionError, APIStatusError, initializeLogger, tts } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeTones, speakTones } from '../../../fixtures/tones.ts';
import { AsyncQueue } from '../../../src/audio/async-queue.ts';
import type { Switch } from '../../../src/failover/failover.ts';
import { DEFAULT_FAILOVER } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import type { TtsLink, TtsOpenOptions, TtsPart } from '../../../src/tts/contract.ts';
import { ttsLinkFromPlugin } from '../../../src/tts/livekit/plugin-link.ts';
import { TtsChain } from '../../../src/tts/livekit/tts-chain.ts';

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

type PluginFault =
  | 'throws'
  | 'rejects'
  | 'refuses'
  | 'emits'
  | 'hangs'
  | 'hangs-at-once'
  | 'ends-early'
  | 'no-sound'
  | 'throws-at-once';
const FAULTS: readonly PluginFault[] = [
  'throws',
  'rejects',
  'refuses',
  'emits',
  'hangs',
  'hangs-at-once',
  'ends-early',
  'no-sound',
  'throws-at-once',
];

interface ToneOptions {
  readonly fault?: PluginFault;
  readonly streaming?: boolean;
  readonly aligned?: boolean;
}

/** A plugin as LiveKit's own are: speaks a tone for each word, and fails within the second one. */
class TonePlugin extends tts.TTS {
  override label = 'tones.TTS';
  readonly fault: PluginFault | undefined;
  streams = 0;
  closed = 0;
  /** Without word times an early end is seen where the sound is much too short. */
  readonly #failsIn: number;

  constructor({ fault, streaming = true, aligned = true }: ToneOptions = {}) {
    super(RATE_HZ, 1, { streaming, alignedTranscript: aligned });
    this.fault = fault;
    this.#failsIn = aligned ? 1 : 0;
  }

  override stream(): tts.SynthesizeStream {
    this.streams += 1;
    if (this.fault === 'throws-at-once') throw new Error('no stream');
    return new ToneStream(this);
  }

  override synthesize(text: string, connOptions?: Parameters<tts.TTS['synthesize']>[1], signal?: AbortSignal) {
    this.streams += 1;
    if (this.fault === 'throws-at-once') throw new Error('no stream');
    return new ToneChunked(text, this, connOptions, signal);
  }

  override async close(): Promise<void> {
    this.closed += 1;
  }

  async speak(text: string, from: number, put: (audio: tts.SynthesizedAudio) => void): Promise<number> {
    const words = text.match(/\S+/g) ?? [];
    let at = from;
    if (this.fault === 'refuses') throw new APIStatusError({ message: 'spent', options: { statusCode: 402 } });
    if (this.fault === 'hangs-at-once') await new Promise(() => undefined);
    if (this.fault === 'no-sound') return at;
    for (const word of words) {
      const samples = speakTones([Number(/\d+/.exec(word)?.[0] ?? 0)], RATE_HZ);
      const timed = { text: `${word} `, startTime: at * 0.3, endTime: at * 0.3 + 0.24 } as NonNullable<
        tts.SynthesizedAudio['timedTranscripts']
      >[number];
      for (let part = 0; part < 6; part += 1) {
        if (at === this.#failsIn && part === 3 && (await this.#fails())) return at;
        const data = samples.slice(part * 800, part * 800 + 800);
        put({
          requestId: 'r',
          segmentId: 's',
          final: false,
          frame: new AudioFrame(data, RATE_HZ, 1, data.length),
          ...(part === 0 && this.capabilities.alignedTranscript && { timedTranscripts: [timed] }),
        });
      }
      at += 1;
    }
    return at;
  }

  async #fails(): Promise<boolean> {
    switch (this.fault) {
      case 'throws':
        throw new Error('broke');
      case 'rejects':
        throw new APIConnectionError({ message: 'reset', options: { retryable: true } });
      case 'emits':
        this.emit('error', {
          type: 'tts_error',
          timestamp: 0,
          label: this.label,
          error: new Error('told'),
          recoverable: false,
        });
        await new Promise(() => undefined);
        return true;
      case 'hangs':
        await new Promise(() => undefined);
        return true;
      default:
        return this.fault === 'ends-early';
    }
  }
}

class ToneStream extends tts.SynthesizeStream {
  override label = 'tones.Stream';
  readonly #owner: TonePlugin;

  constructor(owner: TonePlugin) {
    super(owner, { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 1_000 });
    this.#owner = owner;
  }

  protected override async run(): Promise<void> {
    let text = '';
    let at = 0;
    for await (const input of this.input) {
      if (typeof input === 'string') text += input;
      else {
        const said = text;
        text = '';
        at = await this.#owner.speak(said, at, (audio) => this.queue.put(audio));
        if (this.#owner.fault === 'ends-early') return;
      }
    }
  }
}

class ToneChunked extends tts.ChunkedStream {
  override label = 'tones.Chunked';
  readonly #owner: TonePlugin;

  constructor(
    text: string,
    owner: TonePlugin,
    connOptions?: ConstructorParameters<typeof tts.ChunkedStream>[2],
    signal?: AbortSignal,
  ) {
    super(text, owner, connOptions, signal);
    this.#owner = owner;
  }

  protected override async run(): Promise<void> {
    await this.#owner.speak(this.inputText, 0, (audio) => this.queue.put(audio));
  }
}

const SENTENCE = 'w0 w1 w2 w3 w4, w5 w6 w7 w8.';
const WORDS = [0, 1, 2, 3, 4, 5, 6, 7, 8];

const tonesIn = (audio: readonly tts.SynthesizedAudio[]) =>
  decodeTones(Int16Array.from(audio.flatMap(({ frame }) => [...frame.data])), RATE_HZ).map(({ index }) => index);

describe.each([
  ['streaming, with word times', { streaming: true, aligned: true }, true],
  ['streaming, without word times', { streaming: true, aligned: false }, false],
  ['whole texts only', { streaming: false, aligned: false }, false],
])('a chain over plugins: %s', (_name, kind, isExact) => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  const chainOf = (...plugins: tts.TTS[]) => {
    const switches: Switch[] = [];
    const errors: unknown[] = [];
    const settings = { ...DEFAULT_FAILOVER, hedgeShare: 0 };
    const board = new MemoryHealthBoard(settings);
    const chain = new TtsChain(plugins, { board, settings, onSwitch: (event) => switches.push(event) });
    chain.on('error', (error) => errors.push(error));
    return { chain, switches, errors, board };
  };

  const say = async (chain: TtsChain) => {
    const stream = chain.stream();
    for (const word of SENTENCE.split(/(?<= )/)) stream.pushText(word);
    stream.endInput();
    return collect(stream);
  };

  it('speaks by the first', async () => {
    const { chain, switches } = chainOf(new TonePlugin(kind), new TonePlugin(kind));
    const audio = await say(chain);
    expect(tonesIn(audio)).toEqual(WORDS);
    expect(switches).toEqual([]);
    const words = audio.flatMap(({ timedTranscripts }) => timedTranscripts ?? []);
    expect(words.map(({ text }) => text).join('')).toBe(SENTENCE);
    expect(chain.capabilities).toMatchObject({ streaming: true, alignedTranscript: true });
  });

  it.each(FAULTS)('goes on by the second where the first %s, and the session sees no error', async (fault) => {
    const broken = new TonePlugin({ ...kind, fault });
    const { chain, switches, errors } = chainOf(broken, new TonePlugin(kind));
    const audio = await say(chain);
    const tones = tonesIn(audio);
    expect([...new Set(tones)]).toEqual(WORDS);
    if (isExact) expect(tones).toEqual(WORDS);
    expect(errors).toEqual([]);
    expect(switches).toMatchObject([{ from: 'tones.TTS', to: 'tones.TTS#2' }]);
    if (fault === 'refuses') expect(switches[0]).toMatchObject({ kind: 'quota', status: 402 });
    if (fault === 'rejects') expect(switches[0]).toMatchObject({ kind: 'unreachable' });
    expect(chain.provider).toBe('tones.TTS#2');
    expect(audio.filter(({ final }) => final)).toHaveLength(1);
  });

  it('ends when it is closed in mid-speech, and nobody is to blame', async () => {
    const plugins = [new TonePlugin({ ...kind, fault: 'hangs-at-once' }), new TonePlugin(kind)];
    const { chain, board, errors } = chainOf(...plugins);
    const stream = chain.stream();
    stream.pushText(SENTENCE);
    stream.flush();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await chain.close();
    expect(await collect(stream)).toEqual([]);
    expect(board.health('tts/tones.TTS')).toMatchObject({ failuresInRow: 0 });
    expect(plugins.map(({ closed }) => closed)).toEqual([1, 1]);
    expect(errors).toEqual([]);
  });

  it('speaks a whole text', async () => {
    const { chain } = chainOf(new TonePlugin({ ...kind, fault: 'throws' }), new TonePlugin(kind));
    const tones = tonesIn(await collect(chain.synthesize(SENTENCE)));
    expect([...new Set(tones)]).toEqual(WORDS);
  });
});
