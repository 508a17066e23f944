// An AgentSession of LiveKit's over the pipeline as its realtime model: turns, a tool, and a barge-in.
import { ReadableStream } from 'node:stream/web';
import { inference, initializeLogger, llm, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadClip } from '../../fixtures/audio/clips.ts';
import { PipelineModel } from '../../src/pipeline/pipeline-model.ts';
import { eventually } from '../support/eventually.ts';
import { InstantLlm, InstantStt, InstantTts } from '../support/instant-providers.ts';

const RATE_HZ = 16_000;
const FRAME = 320;
const PATIENCE_MS = 20_000;

class Microphone extends voice.AudioInput {
  #queued: Int16Array = new Int16Array(0);
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    super();
    this.multiStream.addInputStream(
      new ReadableStream<AudioFrame>({
        start: (controller) => {
          this.#timer = setInterval(() => {
            const samples = new Int16Array(FRAME);
            samples.set(this.#queued.slice(0, FRAME));
            this.#queued = this.#queued.slice(FRAME);
            controller.enqueue(new AudioFrame(samples, RATE_HZ, 1, FRAME));
          }, 4);
        },
      }),
    );
  }

  say(samples: Int16Array): void {
    this.#queued = samples;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Plays at once, or never to the end: only until it is cleared, and then 300 ms were heard. */
class Loudspeaker extends voice.AudioOutput {
  readonly #plays: boolean;
  frames = 0;
  #seconds = 0;

  constructor(plays: boolean) {
    super(24_000);
    this.#plays = plays;
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    await super.captureFrame(frame);
    this.frames += 1;
    if (this.#seconds === 0) this.onPlaybackStarted(Date.now());
    this.#seconds += frame.samplesPerChannel / frame.sampleRate;
  }

  override flush(): void {
    super.flush();
    if (this.#plays) this.#finish(this.#seconds, false);
  }

  override clearBuffer(): void {
    this.#finish(0.3, true);
  }

  #finish(playbackPosition: number, interrupted: boolean): void {
    if (this.#seconds === 0) return;
    this.#seconds = 0;
    this.onPlaybackFinished({
      playbackPosition,
      interrupted,
      ...(interrupted && { synchronizedTranscript: 'Yes, I' }),
    });
  }
}

/** Calls the tool at the first turn, and speaks of its result. */
class CallingLlm extends InstantLlm {
  override chat(options: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    const isAnswered = options.chatCtx.items.some(({ type }) => type === 'function_call_output');
    return isAnswered
      ? super.chat(options)
      : new CallStream(this, { chatCtx: options.chatCtx, connOptions: NO_RETRIES });
  }
}

const NO_RETRIES = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 10_000 };

class CallStream extends llm.LLMStream {
  protected override async run(): Promise<void> {
    const call = llm.FunctionCall.create({ callId: 'call_1', name: 'weather', args: '{}' });
    this.queue.put({ id: 'call', delta: { role: 'assistant', toolCalls: [call] } });
  }
}

const over: (() => Promise<unknown>)[] = [];
beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
afterEach(async () => {
  for (const end of over.splice(0)) await end();
});

async function start({ model = new InstantLlm(), plays = true, tools = [] as llm.ToolContextEntry[] } = {}) {
  const vad = new inference.VAD();
  const realtime = new PipelineModel({ stt: new InstantStt(), llm: model, tts: new InstantTts(), vad });
  const session = new voice.AgentSession({
    llm: realtime,
    // Its default withholds what the caller says while the agent first speaks.
    aecWarmupDuration: null,
  });
  const microphone = new Microphone();
  const loudspeaker = new Loudspeaker(plays);
  session.input.audio = microphone;
  session.output.audio = loudspeaker;
  const errors: unknown[] = [];
  session.on(voice.AgentSessionEventTypes.Error, ({ error }) => errors.push(error));
  over.push(async () => {
    microphone.stop();
    await session.close();
    await realtime.close();
  });
  await session.start({ agent: new voice.Agent({ instructions: 'Help.', tools }) });
  const history = () =>
    session.history.items.flatMap((item): string[] => {
      if (item.type === 'message') return [`${item.role}${item.interrupted ? '…' : ''}`];
      return item.type === 'function_call' || item.type === 'function_call_output' ? [item.type] : [];
    });
  return { session, microphone, loudspeaker, errors, history };
}

const question = () => loadClip('question').samples;

describe('an AgentSession over the pipeline', () => {
  it('takes turns', async () => {
    const call = await start();
    call.microphone.say(question());
    await eventually('the first answer', () => call.history().length === 2, PATIENCE_MS);
    call.microphone.say(question());
    await eventually('the second answer', () => call.history().length === 4, PATIENCE_MS);
    expect(call.history()).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(call.loudspeaker.frames).toBeGreaterThan(100);
    expect(call.errors).toEqual([]);
  });

  it('runs a tool once and tells its result', async () => {
    let runs = 0;
    const weather = llm.tool({
      name: 'weather',
      description: 'The weather.',
      parameters: z.object({}),
      execute: async () => {
        runs += 1;
        return 'sunny';
      },
    });
    const call = await start({ model: new CallingLlm(), tools: [weather] });
    call.microphone.say(question());
    await eventually('the answer', () => call.history().at(-1) === 'assistant', PATIENCE_MS);
    expect(call.history()).toEqual(['user', 'function_call', 'function_call_output', 'assistant']);
    expect(runs).toBe(1);
    expect(call.errors).toEqual([]);
  });

  it('stops when the caller speaks, and remembers what was heard', async () => {
    const call = await start({ plays: false });
    call.session.generateReply({ instructions: 'Greet.' });
    await eventually('the greeting is heard', () => call.loudspeaker.frames > 10, PATIENCE_MS);
    call.microphone.say(question());
    await eventually('the turn is answered', () => call.history().includes('user'), PATIENCE_MS);
    expect(call.history()[0]).toBe('assistant…');
    const [greeting] = call.session.history.items.filter(({ type }) => type === 'message');
    expect(greeting?.type === 'message' && greeting.textContent).toBe('Yes, I');
    expect(call.errors).toEqual([]);
  });
});
