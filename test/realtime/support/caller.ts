// Somebody who talks with a realtime session as an AgentSession does: says marked words, takes replies, runs tools.
import type { ReadableStream } from 'node:stream/web';
import { llm } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import { decodeTones, markThroughout } from '../../../fixtures/tones.ts';
import { StreamResampler } from '../../../src/audio/stream-resampler.ts';
import { eventually } from '../../support/eventually.ts';

const RATE_HZ = 24_000;
const FRAME_MS = 20;
/** So many times as fast as people talk. */
const SPEED = 4;

export interface TakenReply {
  words: number[];
  text: string;
  audioMs: number;
  calls: llm.FunctionCall[];
  messageIds: string[];
  isComplete: boolean;
}

export class RealtimeCaller {
  readonly session: llm.RealtimeSession;
  readonly replies: TakenReply[] = [];
  readonly heard: string[] = [];
  readonly events: string[] = [];
  readonly errors: unknown[] = [];
  readonly #timer: NodeJS.Timeout;
  #queue: Int16Array[] = [];
  #since = performance.now();
  #sent = 0;

  constructor(session: llm.RealtimeSession) {
    this.session = session;
    session.on('generation_created', (event: llm.GenerationCreatedEvent) => void this.#take(event));
    session.on('error', (error: unknown) => this.errors.push(error));
    for (const name of ['input_speech_started', 'input_speech_stopped']) session.on(name, () => this.events.push(name));
    session.on('input_audio_transcription_completed', ({ transcript, isFinal }: llm.InputTranscriptionCompleted) => {
      if (isFinal) this.heard.push(transcript);
    });
    // A microphone gives audio all the time.
    this.#timer = setInterval(() => this.#tick(), FRAME_MS / 2);
  }

  /** Resolves when it is said. */
  async say(words: readonly number[], clip = 'question'): Promise<void> {
    this.#queue = framesOf(marked(words, clip));
    await eventually('the words are said', () => this.#queue.length === 0, 60_000);
  }

  /** Starts to say it. */
  begin(words: readonly number[], clip = 'question'): void {
    this.#queue = framesOf(marked(words, clip));
  }

  /** Noise of a level below that at which vendors hear speech. Resolves when it is over. */
  async noise(ms: number): Promise<void> {
    const samples = Int16Array.from({ length: (ms * RATE_HZ) / 1000 }, (_, i) => 220 * Math.sin(i / 3));
    this.#queue = framesOf(samples);
    await eventually('the noise is over', () => this.#queue.length === 0, 60_000);
  }

  get isSpeaking(): boolean {
    return this.#queue.length > 0;
  }

  /** Of the next utterance frames that are left. */
  get framesLeft(): number {
    return this.#queue.length;
  }

  async reply(index: number): Promise<TakenReply> {
    await eventually(`reply ${index} is complete`, () => this.replies[index]?.isComplete === true, 20_000);
    return this.replies[index] as TakenReply;
  }

  async ask(instructions?: string): Promise<TakenReply> {
    const event = await this.session.generateReply(instructions);
    return this.#take(event);
  }

  /** As an AgentSession does when the tool has run. */
  async give(call: llm.FunctionCall, output: string): Promise<void> {
    const context = this.session.chatCtx;
    const { callId, name } = call;
    context.items.push(llm.FunctionCallOutput.create({ callId, name, output, isError: false }));
    await this.session.updateChatCtx(context);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.session.close();
  }

  async #take(event: llm.GenerationCreatedEvent): Promise<TakenReply> {
    const reply: TakenReply = { words: [], text: '', audioMs: 0, calls: [], messageIds: [], isComplete: false };
    this.replies.push(reply);
    const messages = (async () => {
      for await (const message of streamOf(event.messageStream)) {
        reply.messageIds.push(message.messageId);
        const samples: number[] = [];
        const text = (async () => {
          for await (const piece of streamOf(message.textStream)) {
            reply.text += typeof piece === 'string' ? piece : piece.text;
          }
        })();
        for await (const frame of streamOf(message.audioStream)) {
          samples.push(...frame.data);
          reply.audioMs += (frame.samplesPerChannel * 1000) / frame.sampleRate;
        }
        await text;
        reply.words.push(...decodeTones(Int16Array.from(samples), RATE_HZ).map(({ index }) => index));
      }
    })();
    for await (const call of streamOf(event.functionStream)) reply.calls.push(call);
    await messages;
    reply.isComplete = true;
    return reply;
  }

  #tick(): void {
    const due = ((performance.now() - this.#since) * SPEED) / FRAME_MS;
    for (; this.#sent < due; this.#sent += 1) {
      const samples = this.#queue.shift() ?? new Int16Array((RATE_HZ * FRAME_MS) / 1000);
      this.session.pushAudio(new AudioFrame(samples, RATE_HZ, 1, samples.length));
    }
  }
}

function marked(words: readonly number[], clip: string): Int16Array {
  const { samples, sampleRateHz } = loadClip(clip);
  const resampler = new StreamResampler(sampleRateHz, RATE_HZ);
  const at24k = Int16Array.from([...resampler.push(samples), ...resampler.flush()]);
  return markThroughout(at24k, RATE_HZ, words);
}

function framesOf(samples: Int16Array): Int16Array[] {
  const size = (RATE_HZ * FRAME_MS) / 1000;
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, i) => {
    const frame = new Int16Array(size);
    frame.set(samples.subarray(i * size, (i + 1) * size));
    return frame;
  });
}

async function* streamOf<Part>(stream: ReadableStream<Part>): AsyncGenerator<Part> {
  for await (const part of stream) yield part;
}
