import { initializeLogger, stt } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { AsyncQueue } from '../../src/audio/async-queue.ts';
import type { SpeechExpectation } from '../../src/config/expectation.ts';
import { ProviderError } from '../../src/failover/provider-error.ts';
import type { SttLink } from '../../src/stt/chain.ts';
import type { SttPart } from '../../src/stt/contract.ts';
import { SttChain, sttLinkFromPlugin } from '../../src/stt/livekit.ts';

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
      open: () => {
        const parts = new AsyncQueue<SttPart>();
        const session = { samples: 0, expectations: [] as SpeechExpectation[], flushes: 0 };
        const first = sessions.push(session) === 1;
        const say = (type: 'interim' | 'final') => {
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
          end: () => parts.end(),
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
    const chain = new SttChain([countingLink().link]);
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
    const chain = new SttChain([link]);
    const stream = chain.stream();
    chain.expect({ kind: 'yes-no' });
    expect(sessions[0]?.expectations).toEqual([{ kind: 'yes-no' }]);
    stream.close();
  });

  it('opens a session again that fails, keeps its clock and its expectation, and shows LiveKit no error', async () => {
    const { link, sessions } = countingLink({ breakAfter: 1_600 });
    const failures: unknown[] = [];
    const chain = new SttChain([link], { onError: (_link, error) => failures.push(error) });
    const errors: unknown[] = [];
    chain.on('error', (error) => errors.push(error));
    const stream = chain.stream();
    chain.expect({ kind: 'yes-no' });
    const texts: number[] = [];
    const reading = (async () => {
      for await (const event of stream) texts.push(event.alternatives?.[0].endTime ?? -1);
    })();
    for (let i = 0; i < 5; i += 1) stream.pushFrame(frame());
    await expect.poll(() => sessions.length).toBe(2);
    for (let i = 0; i < 5; i += 1) stream.pushFrame(frame());
    stream.endInput();
    await reading;
    expect(texts).toEqual([0.1, 0.2]);
    expect(sessions[1]?.expectations).toEqual([{ kind: 'yes-no' }]);
    expect(failures).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('recognises a whole recording', async () => {
    const { link } = countingLink();
    const flushing: SttLink = {
      ...link,
      client: {
        ...link.client,
        open: (options) => {
          const session = link.client.open(options);
          return {
            ...session,
            end: () => {
              session.flush();
              session.end();
            },
          };
        },
      },
    };
    const event = await new SttChain([flushing]).recognize(Array.from({ length: 15 }, frame));
    expect(event.alternatives?.[0].text).toBe('3');
  });
});

describe('sttLinkFromPlugin', () => {
  beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

  it('carries words through a LiveKit plugin and back', async () => {
    const link = sttLinkFromPlugin(new SttChain([countingLink().link]));
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
    const link = sttLinkFromPlugin(new SttChain([countingLink().link]));
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
