import { APIConnectionError, type APIConnectOptions, APIStatusError, initializeLogger, stt } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { AsyncQueue } from '../../../src/audio/async-queue.ts';
import type { SpeechExpectation } from '../../../src/config/expectation.ts';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import type { SttLink, SttPart } from '../../../src/stt/contract.ts';
import { sttLinkFromPlugin } from '../../../src/stt/livekit/plugin-link.ts';
import { SttChain } from '../../../src/stt/livekit/stt-chain.ts';

const RATE_HZ = 16_000;
const FRAME = 320;

/** Writes the number of each 100 ms that it heard; breaks or wants voice activity when told so. */
function countingLink({ breakAfter = Number.POSITIVE_INFINITY } = {}) {
  const sessions: { samples: number; expectations: SpeechExpectation[]; flushes: number }[] = [];
  const link: SttLink = {
    id: 'counting',
    traits: {
      languages: 'any',
      sampleRateHz: RATE_HZ,
      interimResults: true,
      wordTimes: false,
      needsVoiceActivity: false,
    },
    client: {
      close: async () => undefined,
      open: ({ onOpen, signal }) => {
        queueMicrotask(() => onOpen?.());
        const parts = new AsyncQueue<SttPart>();
        const session = { samples: 0, expectations: [] as SpeechExpectation[], flushes: 0 };
        signal.addEventListener('abort', () => parts.end(), { once: true });
        const first = sessions.push(session) === 1;
        let finalised = 0;
        const say = (type: 'interim' | 'final') => {
          if (type === 'final') finalised = session.samples;
          const endMs = (session.samples * 1000) / RATE_HZ;
          parts.push({
            type,
            text: `${Math.floor(endMs / 100)}`,
            startMs: 0,
            endMs,
            confidence: 0.5,
            language: 'en-US',
            words: [],
          });
        };
        return {
          parts,
          write: (samples) => {
            session.samples += samples.length;
            if (session.samples % 1_600 === 0) say('interim');
            if (first && session.samples >= breakAfter) {
              parts.fail(new ProviderError({ kind: 'server', provider: 'counting', message: 'broken on command' }));
            }
          },
          flush: () => {
            session.flushes += 1;
            say('final');
          },
          end: () => {
            if (session.samples > finalised) say('final');
            parts.end();
          },
          expect: (expectation) => session.expectations.push(expectation),
        };
      },
    },
  };
  return { link, sessions };
}

const frame = () => new AudioFrame(new Int16Array(FRAME), RATE_HZ, 1, FRAME);

describe('SttChain', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  it('needs a link', () => {
    expect(() => new SttChain([])).toThrow(RangeError);
  });

  it('is a LiveKit STT: frames in, interim and final events out, in seconds', async () => {
    const chain = new SttChain([countingLink().link], ownBoard());
    const stream = chain.stream();
    for (let i = 0; i < 10; i += 1) stream.pushFrame(frame());
    stream.flush();
    stream.endInput();
    const events: stt.SpeechEvent[] = [];
    for await (const event of stream) events.push(event);
    expect(events.map((event) => event.type)).toEqual([
      stt.SpeechEventType.INTERIM_TRANSCRIPT,
      stt.SpeechEventType.INTERIM_TRANSCRIPT,
      stt.SpeechEventType.FINAL_TRANSCRIPT,
    ]);
    expect(events.at(-1)?.alternatives?.[0]).toMatchObject({
      text: '2',
      endTime: 0.2,
      confidence: 0.5,
      language: 'en-US',
    });
  });

  it('hands on what the agent expects to hear', async () => {
    const { link, sessions } = countingLink();
    const chain = new SttChain([link], ownBoard());
    const stream = chain.stream();
    chain.expect({ kind: 'yes-no' });
    expect(sessions[0]?.expectations).toEqual([{ kind: 'yes-no' }]);
    stream.close();
  });

  it('opens a session again that fails, gives it what was said and expected, and shows LiveKit no error that ends a session', async () => {
    const { link, sessions } = countingLink({ breakAfter: 1_600 });
    const failures: unknown[] = [];
    const chain = new SttChain([link], {
      ...ownBoard(),
      onFailure: (_stage, provider, error) => failures.push(`${provider} ${error.kind}`),
    });
    const errors: boolean[] = [];
    chain.on('error', ({ recoverable }) => errors.push(recoverable));
    const stream = chain.stream();
    chain.expect({ kind: 'yes-no' });
    const finals = readFinals(stream);
    for (let i = 0; i < 5; i += 1) stream.pushFrame(frame());
    await expect.poll(() => sessions.length).toBe(2);
    for (let i = 0; i < 5; i += 1) stream.pushFrame(frame());
    stream.endInput();
    expect((await finals).map(({ text, endTime }) => `${text} ${endTime}`)).toEqual(['2 0.2']);
    expect(sessions[1]?.expectations).toEqual([{ kind: 'yes-no' }]);
    expect(failures).toEqual(['counting server']);
    expect(errors).toEqual([true]);
  });

  it('needs nobody to listen to its errors', async () => {
    const { link, sessions } = countingLink({ breakAfter: 1_600 });
    const stream = new SttChain([link], ownBoard()).stream();
    for (let i = 0; i < 5; i += 1) stream.pushFrame(frame());
    await expect.poll(() => sessions.length).toBe(2);
    stream.close();
  });

  it('recognises a whole recording', async () => {
    const event = await new SttChain([countingLink().link], ownBoard()).recognize(Array.from({ length: 15 }, frame));
    expect(event.alternatives?.[0].text).toBe('3');
  });

  it('says what its links can do, and who serves', async () => {
    const { link } = countingLink();
    const chain = new SttChain([new ScriptedPlugin('mute'), link, new ScriptedPlugin('mute')], ownBoard());
    expect(chain.capabilities).toMatchObject({ streaming: true, interimResults: true, alignedTranscript: false });
    expect(chain.provider).toBe('scripted.STT');
    const other = new SttChain([link], ownBoard());
    const stream = other.stream();
    const finals = readFinals(stream);
    for (let i = 0; i < 5; i += 1) stream.pushFrame(frame());
    stream.endInput();
    expect((await finals)[0]?.metadata).toEqual({ provider: 'counting' });
    expect(other.provider).toBe('counting');
  });

  it('hands session keyterms and turns to plugins that take them, and keyterms to links opened later', () => {
    const plugin = new ScriptedPlugin('mute', { keyterms: true, chatContext: true });
    const other = new ScriptedPlugin('mute');
    const chain = new SttChain([plugin, other], ownBoard());
    expect(chain.capabilities).toMatchObject({ keyterms: true, chatContext: true });
    chain._updateSessionKeyterms(['Bulletproof']);
    chain._pushConversationItem({} as never);
    expect([plugin.keyterms, plugin.items]).toEqual([['Bulletproof'], 1]);
    expect([other.keyterms, other.items]).toEqual([[], 0]);
  });
});

/** So that what one test breaks is well in the next. */
const ownBoard = () => ({ board: new MemoryHealthBoard() });

async function readFinals(stream: stt.SpeechStream): Promise<stt.SpeechData[]> {
  const finals: stt.SpeechData[] = [];
  for await (const event of stream) {
    if (event.type === stt.SpeechEventType.FINAL_TRANSCRIPT && event.alternatives) finals.push(event.alternatives[0]);
  }
  return finals;
}

type Trouble = 'mute' | 'throws' | 'emits' | 'ends' | 'throws-on-open' | 'status';

/** A LiveKit plugin whose streams get into trouble after 200 ms of audio. */
class ScriptedPlugin extends stt.STT {
  override label = 'scripted.STT';
  keyterms: string[] = [];
  items = 0;
  opened = 0;
  readonly trouble: Trouble;

  constructor(trouble: Trouble, capabilities: Partial<stt.STTCapabilities> = {}) {
    super({ streaming: true, interimResults: true, ...capabilities });
    this.trouble = trouble;
  }

  override _updateSessionKeyterms(keyterms: string[]): void {
    this.keyterms = keyterms;
  }

  override _pushConversationItem(): void {
    this.items += 1;
  }

  override stream(options?: { connOptions?: APIConnectOptions }): stt.SpeechStream {
    this.opened += 1;
    if (this.trouble === 'throws-on-open') throw new Error('not today');
    return new ScriptedStream(this, options?.connOptions);
  }

  protected override async _recognize(buffer: AudioFrame | AudioFrame[]): Promise<stt.SpeechEvent> {
    if (this.trouble === 'throws') throw new Error('not today');
    const [first] = Array.isArray(buffer) ? buffer : [buffer];
    const text = `${Math.round((first?.samplesPerChannel ?? 0) / 16_000)} s`;
    const data = { text, language: 'en' as never, startTime: 0, endTime: 0, confidence: 0.7 };
    return { type: stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives: [data] };
  }
}

class ScriptedStream extends stt.SpeechStream {
  override label = 'scripted.SpeechStream';
  readonly #plugin: ScriptedPlugin;

  constructor(plugin: ScriptedPlugin, options: APIConnectOptions | undefined) {
    super(plugin, 16_000, options);
    this.#plugin = plugin;
  }

  protected override async run(): Promise<void> {
    let samples = 0;
    for await (const frame of this.input) {
      if (frame === stt.SpeechStream.FLUSH_SENTINEL) continue;
      samples += (frame as AudioFrame).samplesPerChannel;
      if (samples < 3_200) continue;
      const { trouble } = this.#plugin;
      if (trouble === 'throws') throw new Error('not today');
      if (trouble === 'status') throw new APIStatusError({ message: 'no money', options: { statusCode: 402 } });
      if (trouble === 'ends') return;
      if (trouble === 'emits' && samples === 3_200) {
        this.#plugin.emit('error', {
          type: 'stt_error',
          timestamp: 0,
          label: '',
          error: new Error('x'),
          recoverable: true,
        });
        throw new APIConnectionError({ message: 'gone' });
      }
    }
  }
}

describe('plugins in trouble as links', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  it.each([
    ['throws', 'server'],
    ['status', 'quota'],
    ['emits', 'server'],
    ['ends', 'server'],
    ['throws-on-open', 'server'],
  ] as const)('that %s lose nothing', async (trouble, kind) => {
    const plugin = new ScriptedPlugin(trouble);
    const { link } = countingLink();
    const failures: string[] = [];
    const chain = new SttChain([plugin, link], {
      ...ownBoard(),
      onFailure: (_stage, provider, error) => failures.push(`${provider} ${error.kind}`),
    });
    const stream = chain.stream();
    const finals = readFinals(stream);
    for (let i = 0; i < 20; i += 1) stream.pushFrame(frame());
    await expect.poll(() => failures).toHaveLength(1);
    for (let i = 0; i < 5; i += 1) stream.pushFrame(frame());
    stream.endInput();
    expect((await finals).map(({ text }) => text)).toEqual(['5']);
    expect(failures).toEqual([`scripted.STT ${kind}`]);
    expect(plugin.opened).toBe(1);
  });

  it('that stay silent are found out by another who has words', async () => {
    const plugin = new ScriptedPlugin('mute');
    const { link } = countingLink();
    const failures: string[] = [];
    const chain = new SttChain([plugin, link], {
      ...ownBoard(),
      onFailure: (_stage, provider, error) => failures.push(`${provider} ${error.kind}`),
    });
    const stream = chain.stream();
    const finals = readFinals(stream);
    const loud = () => new AudioFrame(new Int16Array(FRAME).fill(4_000), RATE_HZ, 1, FRAME);
    for (let i = 0; i < 100; i += 1) {
      stream.pushFrame(loud());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await expect.poll(() => failures, { timeout: 3_000 }).toEqual(['scripted.STT timeout']);
    stream.endInput();
    expect((await finals).map(({ text }) => text)).toEqual(['20']);
  });

  it('that do not stream get whole utterances', async () => {
    const plugin = new ScriptedPlugin('mute', { streaming: false, interimResults: false });
    const link = sttLinkFromPlugin(plugin);
    expect(link.traits).toMatchObject({ needsVoiceActivity: true, interimResults: false });
    const session = link.client.open({ language: 'en-US', signal: new AbortController().signal });
    session.speech?.(true);
    session.write(new Int16Array(16_000).fill(4_000));
    session.speech?.(false);
    session.end();
    const parts: SttPart[] = [];
    for await (const part of session.parts) parts.push(part);
    expect(parts.map((part) => ('text' in part ? part.text : part.type))).toEqual([
      'speech-start',
      '1 s',
      'speech-end',
    ]);
  });
});

describe('sttLinkFromPlugin', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  it('carries words through a LiveKit plugin and back', async () => {
    const link = sttLinkFromPlugin(new SttChain([countingLink().link], ownBoard()));
    const session = link.client.open({ language: 'en-US', signal: new AbortController().signal });
    const larger = new Int16Array(FRAME * 3);
    for (let i = 0; i < 5; i += 1) session.write(larger.subarray(FRAME, 2 * FRAME));
    session.flush();
    session.end();
    const texts: string[] = [];
    for await (const part of session.parts) if ('text' in part) texts.push(`${part.type} ${part.text}`);
    expect(texts).toEqual(['interim 1', 'final 1']);
  });

  it('ends without an error when it is aborted', async () => {
    const link = sttLinkFromPlugin(new SttChain([countingLink().link], ownBoard()));
    const calling = new AbortController();
    const session = link.client.open({ language: 'en-US', signal: calling.signal });
    session.write(new Int16Array(FRAME));
    calling.abort();
    session.write(new Int16Array(FRAME));
    const parts: SttPart[] = [];
    for await (const part of session.parts) parts.push(part);
    expect(parts).toEqual([]);
  });
});
