// When a generation gives its first audio or call: vendors create it long before.
import { type ReadableStream, TransformStream } from 'node:stream/web';
import type { llm } from '@livekit/agents';

/** The same generation, read ahead; `onBegun` is called for each audio frame and each call in it. */
export function watchBeginning(event: llm.GenerationCreatedEvent, onBegun: () => void): llm.GenerationCreatedEvent {
  const messageStream = tapped(event.messageStream, (message) => ({
    ...message,
    audioStream: tapped(message.audioStream, (frame) => {
      if (frame.samplesPerChannel > 0) onBegun();
      return frame;
    }),
  }));
  const functionStream = tapped(event.functionStream, (call) => {
    onBegun();
    return call;
  });
  return { ...event, messageStream, functionStream };
}

function tapped<Part>(stream: ReadableStream<Part>, change: (part: Part) => Part): ReadableStream<Part> {
  const tap = new TransformStream<Part, Part>({ transform: (part, to) => to.enqueue(change(part)) }, undefined, {
    highWaterMark: Number.POSITIVE_INFINITY,
  });
  return stream.pipeThrough(tap);
}
