// A session of the pipeline with somebody who speaks to it and notes all that it tells.

import type { llm } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { decodeTones } from '../../../fixtures/tones.ts';
import { joinSamples } from '../../../src/audio/join-samples.ts';
import type { PipelineModel } from '../../../src/pipeline/pipeline-model.ts';

const RATE_HZ = 16_000;
const FRAME_SAMPLES = 320;
const FRAME_EVERY_MS = 4;

/** What came of one generation, as far as it got. */
export interface HeardReply {
  readonly userInitiated: boolean;
  readonly messageIds: string[];
  readonly calls: llm.FunctionCall[];
  text: string;
  /** As it came. */
  readonly audio: Int16Array[];
  rateHz: number;
  isOver: boolean;
}

export type Caller = ReturnType<typeof call>;

export function call(model: PipelineModel) {
  const session = model.session();
  const events: string[] = [];
  const finals: { itemId: string; transcript: string }[] = [];
  const errors: llm.RealtimeModelError[] = [];
  const replies: HeardReply[] = [];
  const metrics: unknown[] = [];
  session.on('input_speech_started', () => events.push('started'));
  session.on('input_speech_stopped', () => events.push('stopped'));
  session.on('input_audio_transcription_completed', (event: llm.InputTranscriptionCompleted) => {
    if (!event.isFinal) return;
    events.push('transcript');
    finals.push({ itemId: event.itemId, transcript: event.transcript });
  });
  session.on('generation_created', (event: llm.GenerationCreatedEvent) => {
    events.push('generation');
    replies.push(listen(event));
  });
  session.on('metrics_collected', (figures) => metrics.push(figures));
  session.on('error', (error: llm.RealtimeModelError) => errors.push(error));
  let timer: NodeJS.Timeout | undefined;
  return {
    session,
    events,
    finals,
    errors,
    replies,
    metrics,
    /** All at once, in frames as a room has them. */
    say: (samples: Int16Array, rateHz = RATE_HZ) => {
      for (const frame of framesOf(samples, rateHz)) session.pushAudio(frame);
    },
    /** Silence from now on, faster than it would come from a room. */
    keepSilent: () => {
      timer ??= setInterval(() => session.pushAudio(frameOf(new Int16Array(FRAME_SAMPLES), RATE_HZ)), FRAME_EVERY_MS);
    },
    stopFrames: () => {
      clearInterval(timer);
      timer = undefined;
    },
    hangUp: async () => {
      clearInterval(timer);
      await session.close();
    },
  };
}

export function wordsIn({ audio, rateHz }: HeardReply): string {
  if (audio.length === 0) return '';
  return decodeTones(joinSamples(audio), rateHz)
    .map(({ index }) => `w${index}`)
    .join(' ');
}

function* framesOf(samples: Int16Array, rateHz: number): Generator<AudioFrame> {
  const length = rateHz / 50;
  for (let at = 0; at < samples.length; at += length) yield frameOf(samples.slice(at, at + length), rateHz);
}

function frameOf(samples: Int16Array, rateHz: number): AudioFrame {
  return new AudioFrame(samples, rateHz, 1, samples.length);
}

function listen(event: llm.GenerationCreatedEvent): HeardReply {
  const heard: HeardReply = {
    userInitiated: event.userInitiated,
    messageIds: [],
    calls: [],
    text: '',
    audio: [],
    rateHz: 0,
    isOver: false,
  };
  const message = async ({ messageId, textStream, audioStream }: llm.MessageGeneration) => {
    heard.messageIds.push(messageId);
    const readText = async () => {
      for await (const part of textStream) heard.text += typeof part === 'string' ? part : part.text;
    };
    const readAudio = async () => {
      for await (const { data, sampleRate } of audioStream) {
        heard.rateHz = sampleRate;
        heard.audio.push(data);
      }
    };
    await Promise.all([readText(), readAudio()]);
  };
  const readMessages = async () => {
    for await (const generation of event.messageStream) await message(generation);
  };
  const readCalls = async () => {
    for await (const made of event.functionStream) heard.calls.push(made);
  };
  void Promise.all([readMessages(), readCalls()]).then(() => {
    heard.isOver = true;
  });
  return heard;
}
