// One scripted provider per stage, used bare or behind a chain of two, and stepped frame by frame: what a chain costs is the difference.
import { AsyncQueue } from '../../../src/audio/async-queue.ts';
import { Failover, type FailoverLink } from '../../../src/failover/failover.ts';
import type { Stage } from '../../../src/failover/settings.ts';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { replyOverChain } from '../../../src/llm/chain/chain.ts';
import type { LlmLink, LlmPart, LlmRequest } from '../../../src/llm/contract.ts';
import { openSttChain } from '../../../src/stt/chain/chain.ts';
import type { SttLink, SttPart } from '../../../src/stt/contract.ts';
import { openTtsChain } from '../../../src/tts/chain/chain.ts';
import type { TtsLink, TtsPart } from '../../../src/tts/contract.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { speechLike } from '../../support/speech-like.ts';

export type Over = 'bare' | 'chain';

/** One call's use of a stage. */
export interface Use {
  /** Takes the next frame. */
  step(at: number): void;
  /** How many results came out, to show that both ways do the same work. */
  readonly results: number;
}

export interface CostStage {
  readonly title: string;
  readonly frame: string;
  /** Time between two frames of one call. */
  readonly frameMs: number;
  start(clock: FakeClock, over: Over): Use;
}

const { signal } = new AbortController();
const LANGUAGE = 'en-US';
const RATE_HZ = 24_000;
const FRAMES_A_REPLY = 300;
const SPEECH = speechLike(RATE_HZ, 6);

function chained<Link extends FailoverLink>(stage: Stage, clock: FakeClock, link: Link): Failover<Link> {
  return new Failover(stage, [link, { ...link, id: 'backup' }], {
    clock,
    board: new MemoryHealthBoard(undefined, clock),
  });
}

/** The caller talks for 4 s and is quiet for 2 s; an interim comes every 200 ms of speech, a final after it. */
const stt: CostStage = {
  title: 'speech recognition',
  frame: '10 ms of the caller',
  frameMs: 10,
  start(clock, over) {
    const speech = SPEECH.subarray(0, RATE_HZ * 4);
    const quiet = new Int16Array(RATE_HZ * 2);
    const size = RATE_HZ / 100;
    const frames = [speech, quiet].flatMap((part) =>
      Array.from({ length: part.length / size }, (_, at) => part.subarray(at * size, (at + 1) * size)),
    );
    const parts = new AsyncQueue<SttPart>();
    let written = 0;
    const link: SttLink = {
      id: 'primary',
      traits: {
        languages: 'any',
        sampleRateHz: RATE_HZ,
        interimResults: true,
        wordTimes: true,
        needsVoiceActivity: false,
      },
      client: {
        close: async () => undefined,
        open: ({ onOpen }) => {
          queueMicrotask(() => onOpen?.());
          return { parts, write, flush: () => undefined, end: () => parts.end() };
        },
      },
    };
    const write = () => {
      const at = written % frames.length;
      written += 1;
      if (at % 20 !== 19 || at > 420) return;
      const [startMs, endMs] = [(written - at) * 10, written * 10];
      const text = `word ${at}`;
      const words = [{ text, startMs, endMs }];
      parts.push({
        type: at < 400 ? 'interim' : 'final',
        text,
        startMs,
        endMs,
        confidence: 0.9,
        language: LANGUAGE,
        words,
      });
    };
    const session =
      over === 'bare'
        ? link.client.open({ language: LANGUAGE, signal })
        : openSttChain(chained('stt', clock, link), { language: LANGUAGE, signal });
    const use = { results: 0, step: (at: number) => session.write(frames[at % frames.length] as Int16Array) };
    void count(session.parts, use, ({ type }) => (type === 'interim' || type === 'final' ? 1 : 0));
    return use;
  },
};

/** The voice speaks without a pause, at the speed of playout. */
const tts: CostStage = {
  title: 'voice',
  frame: '20 ms of speech',
  frameMs: 20,
  start(clock, over) {
    const size = RATE_HZ / 50;
    const text = Array.from({ length: 20 }, (_, word) => `word${word}${word % 7 === 6 ? '.' : ''} `);
    let parts = new AsyncQueue<TtsPart>();
    const link: TtsLink = {
      id: 'primary',
      traits: { languages: 'any', sampleRateHz: RATE_HZ, wordTimes: 'exact', defaultVoices: { [LANGUAGE]: 'voice' } },
      client: {
        close: async () => undefined,
        open: ({ onOpen }) => {
          queueMicrotask(() => onOpen?.());
          parts = new AsyncQueue();
          return { parts, write: () => undefined, flush: () => undefined, end: () => undefined };
        },
      },
    };
    const failover = chained('tts', clock, link);
    const open = () => {
      const options = { language: LANGUAGE, signal };
      const session =
        over === 'bare'
          ? link.client.open({ ...options, voice: 'voice' })
          : openTtsChain(failover, { ...options, sampleRateHz: RATE_HZ });
      session.write(text.join(''));
      session.end();
      void count(session.parts, use, (part) => (part.type === 'audio' ? part.samples.length / size : 0));
    };
    const use = {
      results: 0,
      step: (step: number) => {
        const at = step % FRAMES_A_REPLY;
        if (at === 0) open();
        const startMs = at * 20;
        if (at % 15 === 0) parts.push({ type: 'word', text: text[at / 15] as string, startMs, endMs: startMs + 240 });
        parts.push({ type: 'audio', samples: SPEECH.subarray(at * size, (at + 1) * size) });
        if (at < FRAMES_A_REPLY - 1) return;
        parts.push({ type: 'segment-end' });
        parts.end();
      },
    };
    return use;
  },
};

/** The model writes 50 words a second without a pause. */
const llm: CostStage = {
  title: 'language model',
  frame: 'a piece of text, 50 a second',
  frameMs: 20,
  start(clock, over) {
    let parts = new AsyncQueue<LlmPart>();
    const reply = (request: LlmRequest) => {
      parts = new AsyncQueue();
      request.onOpen?.();
      return parts[Symbol.asyncIterator]();
    };
    const link: LlmLink = {
      id: 'primary',
      traits: { languages: 'any' },
      client: { close: async () => undefined, reply },
    };
    const failover = chained('llm', clock, link);
    const request: LlmRequest = { messages: [], tools: [], toolChoice: 'auto', language: LANGUAGE, signal };
    const use = {
      results: 0,
      step: (step: number) => {
        const at = step % FRAMES_A_REPLY;
        if (at === 0) {
          const replies = over === 'bare' ? link.client.reply(request) : replyOverChain(failover, request);
          void count(replies, use, ({ type }) => (type === 'text' ? 1 : 0));
          return;
        }
        parts.push({ type: 'text', text: `word${at} ` });
        if (at === FRAMES_A_REPLY - 1) parts.end();
      },
    };
    return use;
  },
};

export const COST_STAGES: readonly CostStage[] = [stt, llm, tts];

async function count<Part>(parts: AsyncIterable<Part>, use: { results: number }, of: (part: Part) => number) {
  for await (const part of parts) use.results += of(part);
}
