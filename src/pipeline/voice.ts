// Text that is still being written as speech, by any LiveKit TTS.
import type { ReadableStream } from 'node:stream/web';
import { tokenize, tts, voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import { AsyncQueue } from '../audio/async-queue.ts';

/** The defaults of LiveKit's AgentSession: marks are not read out. */
const TRANSFORMS = ['filter_markdown', 'filter_emoji'] as const;

/**
 * Speaks the text; ends when all of it is spoken, or early when `signal` is aborted.
 * @param isWritten whether the text has ended
 * @throws what the TTS failed with
 */
export async function* speak(
  synthesis: tts.TTS,
  text: ReadableStream<string>,
  isWritten: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<AudioFrame> {
  let failure: Error | undefined;
  const onError = (event: { error: Error; recoverable: boolean }) => {
    if (!event.recoverable) failure = event.error;
  };
  synthesis.on('error', onError);
  try {
    const spoken = voice.textTransforms.applyTextTransforms(text, TRANSFORMS);
    if (synthesis.capabilities.streaming) yield* streamed(synthesis, spoken, isWritten, signal);
    else yield* bySentences(synthesis, spoken, signal);
    if (failure !== undefined) throw failure;
    if (!isWritten() && !signal.aborted) throw new Error(`${synthesis.label}: ended before its text did`);
  } finally {
    synthesis.off('error', onError);
  }
}

async function* streamed(
  synthesis: tts.TTS,
  text: ReadableStream<string>,
  isWritten: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<AudioFrame> {
  const stream = synthesis.stream();
  const close = () => stream.close();
  signal.addEventListener('abort', close, { once: true });
  stream.updateInputStream(text);
  try {
    for await (const audio of stream) {
      // A TTS that reports the end of each segment goes on after it.
      if (audio !== tts.SynthesizeStream.END_OF_STREAM) yield audio.frame;
      else if (isWritten()) return;
    }
  } finally {
    signal.removeEventListener('abort', close);
    stream.close();
  }
}

/** Starts the synthesis of each sentence as soon as it is written, while those before it are spoken. */
async function* bySentences(
  synthesis: tts.TTS,
  text: ReadableStream<string>,
  signal: AbortSignal,
): AsyncGenerator<AudioFrame> {
  const over = new AbortController();
  const abort = AbortSignal.any([signal, over.signal]);
  const streams = new AsyncQueue<tts.ChunkedStream>();
  const sentences = new tokenize.basic.SentenceTokenizer().stream();
  const cut = async () => {
    for await (const part of text) sentences.pushText(part);
    sentences.endInput();
  };
  const begin = async () => {
    for await (const { token } of sentences) {
      if (abort.aborted) break;
      const stream = synthesis.synthesize(token, undefined, abort);
      contain(stream, (error) => streams.fail(error));
      streams.push(stream);
    }
    streams.end();
  };
  cut().catch((error: unknown) => streams.fail(error));
  begin().catch((error: unknown) => streams.fail(error));
  signal.addEventListener('abort', () => streams.end(), { once: true, signal: over.signal });
  try {
    for await (const stream of streams) for await (const { frame } of stream) yield frame;
  } finally {
    over.abort();
    if (!sentences.closed) sentences.close();
  }
}

/** LiveKit leaves the rejection of a failed chunked stream unhandled (1.9.0), which would end the process. */
function contain(stream: tts.ChunkedStream, fail: (error: unknown) => void): void {
  const inner = stream as unknown as { mainTask?: () => Promise<unknown> };
  const { mainTask } = inner;
  if (typeof mainTask !== 'function') return;
  inner.mainTask = () => mainTask.call(stream).catch(fail);
}
