// A reply that nobody wants.
import type { ReadableStream } from 'node:stream/web';
import type { llm } from '@livekit/agents';
import type { RealtimeLinkSession } from './link-session.ts';

/** Stops an unwanted reply and makes its session forget it. */
export function discard(
  session: RealtimeLinkSession,
  { messageStream, functionStream }: llm.GenerationCreatedEvent,
): void {
  session.do((plugin) => plugin.interrupt());
  void drain(functionStream);
  void drain(messageStream, (message) => {
    void drain(message.audioStream);
    void drain(message.textStream);
    const { messageId } = message;
    session.do((plugin) => plugin.truncate({ messageId, audioEndMs: 0, modalities: ['audio', 'text'] }));
  });
}

async function drain<Part>(stream: ReadableStream<Part>, each?: (part: Part) => void): Promise<void> {
  try {
    for await (const part of stream) each?.(part);
  } catch {
    // Errors in an unwanted reply do not matter.
  }
}
